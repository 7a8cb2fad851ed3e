export { type ChoiceInput, type Chosen, scoreChoice, trialEpochs } from './choice.js';
export { type Contest, type Entrant, trialStatistics } from './contest.js';
export {
  type CorrectedScore,
  correctedScore,
  pooledScore,
  type SelectionInput,
  type TestedFold,
  type TrialAnswers,
  trialAnswers,
} from './corrected.js';
export { decide, type FoldOutcome, openContests, type SearchInput } from './decide.js';
export { importanceByEstimator, importanceText, type ParameterImportance, parameterImportance } from './importance.js';
export { type PictureAxis, type PictureTrial, type SweepPicture, sweepPictures, type Tick } from './picture.js';
export { propose } from './propose.js';
export { type Loser, losers, meanScore, type Racing, type Runner } from './racing.js';
export { gridSize } from './space.js';
