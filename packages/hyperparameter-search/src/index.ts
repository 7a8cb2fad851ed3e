export { type Contest, type Entrant, trialStatistics } from './contest.js';
export { type CorrectedScore, correctedScore, type SelectionInput } from './corrected.js';
export { decide, type FoldOutcome, openContests, type SearchInput } from './decide.js';
export { propose } from './propose.js';
export { type Loser, losers, meanScore, type Racing, type Runner, race } from './racing.js';
export { gridSize } from './space.js';
