import type { EstimatorKind } from '../estimator-kind.js';
import { type Command, commandFileKey, commandParameters } from './parameters.js';

const namesOf = ({ files }: Command): string[] => (Array.isArray(files) ? files : Object.keys(files));

const storedFiles = ({ files }: Command): string[] | undefined => {
  if (!Array.isArray(files)) return Object.values(files).map(commandFileKey);
  return files.length === 0 ? [] : undefined;
};

/** Trains folds with a program that the user provides; see docs/commands.md. */
export const command = {
  kind: 'command',
  parameters: commandParameters,
  queue: ({ queue }) => queue,
  runsCommands: true,
  reads: 'any',
  // The number of threads that the program may use can affect floating-point sums.
  keyParts: ({ threads }) => ({ threads }),
  // Limits on time and memory are left out: they determine whether there is a result, but not its value.
  keyed: ({ timeoutMinutes: _, memoryMb: __, ...deciding }) => deciding,
  files: { of: namesOf, with: (parameters, hashes) => ({ ...parameters, files: hashes }), stored: storedFiles },
  keeps: (parameters) => storedFiles(parameters) ?? [],
  searched: {
    of: ({ parameters }) => parameters,
    with: (command, values) => ({
      ...command,
      parameters: { ...command.parameters, ...(values as Command['parameters']) },
    }),
  },
  cost: (_, trainClips) => trainClips,
  // Parameters may also affect the duration, but an estimate from folds of the same program is better than none.
  unit: ({ run, predict, files }) => JSON.stringify({ run, predict, files }),
  loadEngine: async (settings) => new (await import('./engine.js')).CommandEngine(settings),
  lacksToKeep: ({ predict }) => (predict ? undefined : 'predict: [PROGRAM, ...]'),
  loadPredictor: async (file, settings) => (await import('./predictor.js')).loadCommand(file, settings),
} satisfies EstimatorKind<Command>;
