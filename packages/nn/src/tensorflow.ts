import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { CryfoldError } from '@cryfold/core';
import type * as tfjs from '@tensorflow/tfjs-node-gpu';

const VENDOR = '@tensorflow/tfjs-node-gpu';
const require = createRequire(import.meta.url);

export type Tensor = tfjs.Tensor;
export type TFSavedModel = Awaited<ReturnType<typeof tfjs.node.loadSavedModel>>;

/**
 * The vendor package, including its protobuf classes, for which it has no type declarations: GraphDef, SavedModel and
 * their parts.
 */
export type TensorFlow = typeof tfjs & {
  // biome-ignore lint/suspicious/noExplicitAny: the code is generated and has no types
  readonly protobuf: any;
};

/** Settings that TensorFlow reads only when it starts. */
export interface ProcessSettings {
  /** Number of cores that one op may use; >= 1 */
  threads: number;
  /** Whether XLA compiles groups of ops, even on CPUs. This changes the order of sums, and therefore the last bits. */
  xla?: boolean;
  /**
   * The only GPU that is visible to this process, by index or UUID. Default: all GPUs that CUDA_VISIBLE_DEVICES allows.
   */
  gpu?: string | undefined;
}

/**
 * Makes XLA start most of a step's kernels as CUDA graphs. Measured on an H200: a ResNet50 in bfloat16 trains with 1.6x
 * the throughput in images per second (see docs/performance.md). Has no effect on CPUs.
 */
const CUDA_GRAPHS =
  '--xla_gpu_enable_command_buffer=FUSION,CUBLAS,CUBLASLT,CUDNN,CUSTOM_CALL --xla_gpu_graph_min_graph_size=1';

let loaded: { tf: TensorFlow; threads: number; xla: boolean } | undefined;

/**
 * Loads TensorFlow into this process. This happens once; later calls return the same object. Takes about 0.4 s and 250
 * MB.
 * `threads` is the number of cores that one op may use. It determines the order of sums, and therefore the last bits of
 * every result. TensorFlow reads it from the environment when it starts its thread pools, so a process cannot change it
 * later. Measured with a convolution and its two gradients in a session of loadSavedModel (2.21.0, CPU): equal values
 * of TF_NUM_INTRAOP_THREADS produce equal bits in every process, and different values produce different bits;
 * TF_NUM_INTEROP_THREADS only determines how many ops run concurrently (with 1 intra-op and 1 inter-op thread, the
 * process uses 0.97 cores; with 1 and 2 threads, it uses 1.4 cores); OMP_NUM_THREADS has no effect.
 * @throws CryfoldError TENSORFLOW_MISSING if the binding is not built or cannot be loaded
 * @throws Error if this process has loaded TensorFlow with another number of threads, or with another setting of XLA
 */
export function loadTensorFlow({ threads, xla = false, gpu }: ProcessSettings): TensorFlow {
  if (loaded && loaded.threads !== threads) {
    throw new Error(
      `TensorFlow runs with ${loaded.threads} threads in this process; to use ${threads}, start a new process`,
    );
  }
  if (loaded && loaded.xla !== xla) {
    throw new Error(`TensorFlow runs ${xla ? 'without' : 'with'} XLA in this process; use a new process`);
  }
  if (!loaded) {
    process.env.TF_NUM_INTRAOP_THREADS = String(threads);
    // Runs one op at a time: two concurrent ops would take 2 x threads cores, and could access a variable in any order.
    process.env.TF_NUM_INTEROP_THREADS = '1';
    // Logs only errors. One line about oneDNN still appears, because TensorFlow writes it before it reads this setting.
    process.env.TF_CPP_MIN_LOG_LEVEL ??= '2';
    // Several training children share a GPU, and by default each of them would take all of its memory.
    process.env.TF_FORCE_GPU_ALLOW_GROWTH ??= 'true';
    // Set or unset explicitly: results must not depend on settings that are not in the fold's key.
    if (xla) {
      process.env.TF_XLA_FLAGS = '--tf_xla_auto_jit=2 --tf_xla_cpu_global_jit';
      const libraries = process.env.XLA_FLAGS?.split(/\s+/).filter((flag) =>
        flag.startsWith('--xla_gpu_cuda_data_dir='),
      );
      process.env.XLA_FLAGS = [...(libraries ?? []), CUDA_GRAPHS].join(' ');
    } else delete process.env.TF_XLA_FLAGS;
    // Makes GPU indices refer to the same GPUs as in nvidia-smi.
    process.env.CUDA_DEVICE_ORDER ??= 'PCI_BUS_ID';
    if (gpu !== undefined) process.env.CUDA_VISIBLE_DEVICES = gpu;
    loaded = { tf: loadVendor(), threads, xla };
  }
  return loaded.tf;
}

function loadVendor(): TensorFlow {
  try {
    const tf = require(VENDOR) as typeof tfjs;
    const protobuf = require(`${VENDOR}/dist/proto/api_pb.js`);
    return { ...tf, protobuf };
  } catch (cause) {
    throw missing(cause instanceof Error ? cause.message : String(cause), cause);
  }
}

function missing(reason: string, cause: unknown): CryfoldError {
  const [what, hint] = reason.includes(`Cannot find module '${VENDOR}'`)
    ? ['is not installed', 'Run npm ci, then cryfold setup.']
    : reason.includes('can not be found at path')
      ? ['is not built', 'Run cryfold setup. It is needed after each npm ci, but is fast if it has run before.']
      : [`cannot be loaded: ${reason.split('\n')[0]}`, 'Run cryfold setup --force.'];
  return new CryfoldError('TENSORFLOW_MISSING', `the TensorFlow binding ${what}`, { hint, cause });
}

export interface TensorFlowInfo {
  /** TensorFlow's own version, such as 2.21.0. */
  version: string;
  /** The version of tfjs-node-gpu. */
  binding: string;
  /** The device on which ops run: `GPU` if TensorFlow found a usable GPU. */
  device: 'CPU' | 'GPU';
}

/**
 * Describes the installed TensorFlow. Asks a short-lived process (0.6 s), so that the caller neither loads TensorFlow
 * nor crashes with it, for example on a processor that lacks required instructions.
 * @throws CryfoldError TENSORFLOW_MISSING
 */
export async function tensorFlowInfo(): Promise<TensorFlowInfo> {
  const script = `const tf = require('node:module').createRequire(${JSON.stringify(import.meta.url)})('${VENDOR}');
    const { binding, isUsingGpuDevice } = tf.backend();
    const info = { version: binding.TF_Version, binding: tf.version['tfjs-node'], device: isUsingGpuDevice ? 'GPU' : 'CPU' };
    console.log(JSON.stringify(info));`;
  const env = { ...process.env, TF_CPP_MIN_LOG_LEVEL: '2' };
  return await new Promise((resolve, reject) => {
    execFile(process.execPath, ['-e', script], { env }, (error, stdout, stderr) => {
      if (!error) return resolve(JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as TensorFlowInfo);
      const reason =
        /^\w*Error: .*$/m.exec(stderr)?.[0] ?? (error.signal ? `killed by ${error.signal}` : error.message);
      reject(missing(reason, error));
    });
  });
}
