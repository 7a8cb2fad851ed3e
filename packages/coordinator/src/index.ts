export { Coordinator, type CoordinatorOptions } from './coordinator.js';
export type { RunProgress, TrialProgress } from './run-state.js';
