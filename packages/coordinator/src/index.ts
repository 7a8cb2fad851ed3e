export { Coordinator, type CoordinatorOptions } from './coordinator.js';
export { FoldScores } from './fold-scores.js';
export type { RunProgress, SearchProgress, TrialProgress } from './run-progress.js';
