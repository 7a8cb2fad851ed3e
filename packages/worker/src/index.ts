export { type FinalTraining, trainFinalHere } from './train-final.js';
export { Worker, type WorkerOptions } from './worker.js';
