import { fileURLToPath } from 'node:url';

/** The repository's root. Built tools are in tools/dist/src. */
export const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

/** A Python program in tools/python, which implements the peers of benchmarks. */
export const pythonProgram = (name: string): string => `${ROOT}tools/python/${name}`;
