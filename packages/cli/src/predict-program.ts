import { addPredictCommand } from './model-commands.js';
import { runProgram } from './program.js';

/** Runs `cryfold predict` without loading what the other commands need. */
export const main = (args: string[]): Promise<number> => runProgram(args, addPredictCommand);
