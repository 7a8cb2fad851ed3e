export { type FinalTraining, trainFinal } from './train-final.js';
export { Worker, type WorkerOptions } from './worker.js';
