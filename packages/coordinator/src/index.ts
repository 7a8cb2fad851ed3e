export { Coordinator, type CoordinatorOptions } from './coordinator.js';
export type { RunProgress, SearchProgress, TrialProgress } from './run-progress.js';
