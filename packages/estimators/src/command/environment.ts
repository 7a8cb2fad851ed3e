import { delimiter } from 'node:path';
import type { EngineSettings } from '../engine.js';

/**
 * Variables that programs need to find their libraries and caches. All other variables are withheld, so that programs
 * do not get credentials.
 */
const PASSED =
  /^(PATH|HOME|USER|LOGNAME|SHELL|LANG|LC_\w+|TZ|LD_LIBRARY_PATH|DYLD_\w+|PYTHONPATH|PYTHONHOME|VIRTUAL_ENV|CONDA_\w+|R_\w+|JULIA_\w+|JAVA_HOME|CUDA_\w+|NVIDIA_\w+|ROCR_\w+|HIP_\w+|XDG_CACHE_HOME|HF_HOME|TORCH_HOME|KERAS_HOME|SSL_CERT_\w+)$/;

/** Variables from which libraries read their number of threads. */
const THREADS = ['OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'MKL_NUM_THREADS', 'NUMEXPR_NUM_THREADS'];

/** Returns the environment of a program that trains a fold in `folder`. */
export function programEnvironment(
  all: NodeJS.ProcessEnv,
  folder: string,
  { threads, gpu }: EngineSettings,
): NodeJS.ProcessEnv {
  const passed = Object.fromEntries(Object.entries(all).filter(([name]) => PASSED.test(name)));
  return {
    ...passed,
    ...Object.fromEntries(THREADS.map((name) => [name, String(threads)])),
    ...(gpu === undefined ? {} : { CUDA_VISIBLE_DEVICES: gpu }),
    // Temporary files are then removed together with the folder.
    TMPDIR: folder,
    PYTHONPATH: [folder, passed.PYTHONPATH].filter(Boolean).join(delimiter),
    PYTHONDONTWRITEBYTECODE: '1',
    PYTHONUNBUFFERED: '1',
    PYTHONHASHSEED: '0',
  };
}
