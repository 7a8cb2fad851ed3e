export { type FinalTraining, readFinal, trainFinalHere } from './train-final.js';
export { Worker, type WorkerOptions } from './worker.js';
