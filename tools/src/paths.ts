import { fileURLToPath } from 'node:url';

/** The repository's root; built tools are in tools/dist/src. */
export const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

/** A Python program of tools/python: the peers of benchmarks. */
export const pythonProgram = (name: string): string => `${ROOT}tools/python/${name}`;
