export { Coordinator, type CoordinatorOptions } from './coordinator.js';
export { FoldScores } from './fold-scores.js';
export type { RunProgress, TrialProgress } from './run-state.js';
export type { SearchProgress } from './search-driver.js';
