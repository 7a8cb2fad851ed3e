import { addPredictCommand } from './model-commands.js';
import { runProgram } from './program.js';

/** Runs `cryfold predict` without loading the code of other commands. */
export const main = (args: string[]): Promise<number> => runProgram(args, addPredictCommand);
