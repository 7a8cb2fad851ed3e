export { CryfoldError, type ErrorCode } from '@cryfold/core';
export type { SpecInput } from '@cryfold/plan';
export { type EvaluateOptions, evaluate } from './evaluate.js';
export type { EvaluatedRun } from './evaluated-run.js';
