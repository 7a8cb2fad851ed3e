import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const QUERY = ['--query-gpu=name,driver_version', '--format=csv,noheader'];

/**
 * Returns the name of the GPU that this process trains on, and the version of its driver, as reported by `nvidia-smi`,
 * such as `{ gpu: 'NVIDIA H100 80GB HBM3', driver: '580.159.04' }`. Empty if nvidia-smi is missing or fails, since
 * training works without it.
 * @param visible GPUs by index or UUID, as in CUDA_VISIBLE_DEVICES; the process uses the first one. Default: GPU 0
 */
export async function gpuModel(visible = process.env.CUDA_VISIBLE_DEVICES): Promise<Record<string, string>> {
  const first = visible?.split(',')[0].trim() || '0';
  const answer = await promisify(execFile)('nvidia-smi', [...QUERY, `--id=${first}`], { timeout: 10_000 }).catch(
    () => undefined,
  );
  const [gpu, driver] = answer?.stdout.split('\n')[0].split(', ') ?? [];
  return gpu && driver ? { gpu, driver: driver.trim() } : {};
}
