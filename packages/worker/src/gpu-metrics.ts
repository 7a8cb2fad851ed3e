import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Metrics } from '@cryfold/runtime';

const QUERY = ['--query-gpu=index,utilization.gpu,memory.used,memory.total', '--format=csv,noheader,nounits'];

/** Milliseconds between refreshes, because nvidia-smi takes tens of milliseconds. */
const EVERY_MS = 15_000;

/**
 * Exports metrics of this machine's GPUs from `nvidia-smi` until aborted. Gives up after the first call if there is no
 * GPU or no driver.
 */
export async function watchGpus(metrics: Metrics, stopped: AbortSignal): Promise<void> {
  if (!metrics.on) return;
  const refresh = async (): Promise<boolean> => {
    const output = await promisify(execFile)('nvidia-smi', QUERY, { timeout: 5000, signal: stopped }).catch(
      () => undefined,
    );
    for (const line of output?.stdout.trim().split('\n') ?? []) {
      // Amounts of memory are in MiB; values are "[N/A]" if the GPU is divided into MIG slices
      const [gpu, percent, used, total] = line.split(',').map((part) => part.trim());
      const set = (name: GpuGauge, text: string, factor: number) => {
        const value = Number(text);
        if (Number.isFinite(value)) metrics.set(name, { gpu }, value * factor);
      };
      set('cryfold_gpu_utilization_ratio', percent, 0.01);
      set('cryfold_gpu_memory_bytes', used, 2 ** 20);
      set('cryfold_gpu_memory_limit_bytes', total, 2 ** 20);
    }
    return output !== undefined;
  };
  if (!(await refresh())) return;
  const timer = setInterval(refresh, EVERY_MS);
  timer.unref();
  stopped.addEventListener('abort', () => clearInterval(timer));
}

type GpuGauge = 'cryfold_gpu_utilization_ratio' | 'cryfold_gpu_memory_bytes' | 'cryfold_gpu_memory_limit_bytes';
