import { z } from 'zod';

/** Maximum total size in bytes of the files of one command. */
export const COMMAND_FILES_BYTES = 16 * 2 ** 20;

const MINUTES_PER_WEEK = 7 * 24 * 60;

const argument = z.string().min(1).max(4096);
const program = z.array(argument).min(1).max(100);

/** Folder to which `run` writes its trained files, and in which `predict` finds them. */
export const TRAINED = 'trained';

/** Limits on the folder's content: the total size of the files in bytes, and their number. */
export const TRAINED_BYTES = 512 * 2 ** 20;
export const TRAINED_FILES = 100;

/** File names that are reserved in a fold's folder; files listed in the spec must not have these names. */
const RESERVED = /^(fold\.json|(train|test)-\w+\.npy|(probabilities|scores)\.npy)$/;
const MOST_FILES = 100;

/** A path within the folder of a fold, with slashes. */
export const pathBelow = z
  .string()
  .max(200)
  .regex(/^[\w.-]+(\/[\w.-]+)*$/, 'must be a path within the folder of the spec, such as train.py or lib/model.py')
  .refine((value) => !value.split('/').some((part) => part === '..' || part === '.'), 'must not contain . or ..');

const path = pathBelow.refine(
  (value) => !RESERVED.test(value),
  'the folder of a fold already has a file with this name',
);

const isTrained = (file: string) => file === TRAINED || file.startsWith(`${TRAINED}/`);

/** Whether the files listed in a spec leave room for the folder of trained files, which is used only with `predict`. */
function leavesRoom({ predict, files }: { predict?: unknown; files: string[] | Record<string, string> }): boolean {
  return predict === undefined || !(Array.isArray(files) ? files : Object.keys(files)).some(isTrained);
}

const members = z.strictObject({
  kind: z.literal('command'),
  run: program.describe('the program that trains a fold, and its arguments; no shell is used'),
  predict: program
    .optional()
    .describe(
      'the program that predicts with the model that run trained; by default, run also predicts, and no model is kept',
    ),
  files: z
    .union([
      z.array(path).max(MOST_FILES),
      z
        .record(path, z.string().regex(/^[0-9a-f]{64}$/))
        .refine((files) => Object.keys(files).length <= MOST_FILES, `more than ${MOST_FILES} files`),
    ])
    .default([])
    .describe(
      'paths of the program’s files, relative to the folder of the spec; the plan of a run also contains the sha256 of each file',
    ),
  queue: z.enum(['gpu', 'cpu']).default('cpu').describe('which kind of worker runs the program'),
  parameters: z
    .record(z.string().max(100), z.json())
    .default({})
    .describe('values that are passed to the program unchanged; a sweep can search over them'),
  output: z
    .enum(['probabilities', 'scores'])
    .default('probabilities')
    .describe('scores: any finite numbers; the class with the largest score in a row is predicted'),
  timeoutMinutes: z.number().positive().max(MINUTES_PER_WEEK).default(60).describe('time limit per execution'),
  memoryMb: z
    .int()
    .min(16)
    .max(2 ** 24)
    .optional()
    .describe('maximum resident memory in MiB, including child processes; default: the limit for training processes'),
});

export const commandParameters = members.refine(leavesRoom, {
  path: ['files'],
  message: `if predict is set, the folder ${TRAINED}/ is reserved for the output of the run program; move these files elsewhere`,
});

export type Command = z.infer<typeof commandParameters>;

/** Returns the key of a command's file in the store. */
export const commandFileKey = (sha256: string): string => `commands/${sha256}`;
