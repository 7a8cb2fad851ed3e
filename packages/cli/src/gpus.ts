import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { CryfoldError } from '@cryfold/core';

/**
 * Which GPU each training process gets: every GPU `perGpu` processes, in turn, so that the first ones lie apart.
 * @param visible as CUDA_VISIBLE_DEVICES names them; default: all that nvidia-smi lists, by UUID
 * @throws CryfoldError USAGE where there is none
 */
export async function gpuOfEachChild(perGpu: number, visible: readonly string[] | undefined): Promise<string[]> {
  const gpus = visible ?? (await listGpus());
  // This is how CUDA is told to use none.
  if (gpus.includes('-1')) throw none('CUDA_VISIBLE_DEVICES leaves no GPU');
  return Array.from({ length: perGpu }, () => gpus).flat();
}

async function listGpus(): Promise<string[]> {
  try {
    const { stdout } = await promisify(execFile)('nvidia-smi', ['--query-gpu=uuid', '--format=csv,noheader']);
    const gpus = stdout.split('\n').map((line) => line.trim());
    return gpus.filter(Boolean);
  } catch (error) {
    throw none(`nvidia-smi lists no GPU: ${(error as Error).message.split('\n')[0]}`);
  }
}

function none(reason: string): CryfoldError {
  return new CryfoldError('USAGE', `--children-per-gpu: ${reason}`, {
    hint: 'Set CUDA_VISIBLE_DEVICES to the GPUs to use, or say --children for training without a GPU.',
  });
}
