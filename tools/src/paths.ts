import { fileURLToPath } from 'node:url';

/** The repository's root. Built tools are in tools/dist/src. */
export const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

/** Returns the path of a program in tools/python, which contains the Python side of benchmarks. */
export const pythonProgram = (name: string): string => `${ROOT}tools/python/${name}`;
