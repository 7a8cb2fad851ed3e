import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { CryfoldError } from '@cryfold/core';

/**
 * Assigns a GPU to each training process. Each GPU gets `perGpu` processes, in round-robin order, so that the first
 * processes use different GPUs.
 * @param visible GPUs as in CUDA_VISIBLE_DEVICES; default: the UUIDs of all GPUs that nvidia-smi lists
 * @throws CryfoldError USAGE if there is no GPU
 */
export async function gpuOfEachChild(perGpu: number, visible: readonly string[] | undefined): Promise<string[]> {
  const gpus = visible ?? (await listGpus());
  // In CUDA_VISIBLE_DEVICES, -1 hides all GPUs.
  if (gpus.includes('-1')) throw none('CUDA_VISIBLE_DEVICES hides all GPUs');
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
    hint: 'Set CUDA_VISIBLE_DEVICES to the GPUs to use, or use --children to train without a GPU.',
  });
}
