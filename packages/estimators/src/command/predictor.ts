import { type ChildProcess, fork } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CryfoldError } from '@cryfold/core';
import type { FeatureArray, Prediction, Predictor, PredictorSettings } from '../engine.js';
import { type CommandModel, decodeModel } from './model-files.js';
import { TRAINED } from './parameters.js';
import type { FromGuard, ToGuard } from './predict-guard.js';
import { killGroup } from './process-group.js';
import { outputFile, readOutput, writeDescription, writeFiles, writeRows } from './work-folder.js';

const GUARD = fileURLToPath(new URL('./predict-guard.js', import.meta.url));

/** @throws CryfoldError JOB_INVALID, FORMAT_NEWER, ARTIFACT_MISSING, ARTIFACT_CORRUPT */
export function loadCommand(file: (name: string) => Uint8Array, settings: PredictorSettings): Predictor {
  const model = decodeModel(file);
  return { predict: (features, count) => predict(model, features, count, settings) };
}

/** Starts the program once, in a new folder with the model and the rows. */
async function predict(
  model: CommandModel,
  data: FeatureArray['data'],
  count: number,
  { maxMemoryMb }: PredictorSettings,
): Promise<Prediction> {
  const { classes, shape, parameters, seed, threads, output, timeoutMinutes, memoryMb = maxMemoryMb } = model;
  const guard = new Guard();
  try {
    const folder = await guard.folder();
    await writeFiles(folder, model.files);
    const all = Int32Array.from({ length: count }, (_, row) => row);
    await writeRows(join(folder, 'test-features.npy'), { data, shape: [count, ...shape] }, all);
    await writeDescription(folder, {
      ...{ classes, parameters, seed, threads, test: count, shape },
      ...{ output: outputFile(output), model: TRAINED },
    });
    await guard.run({ program: model.predict, threads, timeoutMinutes, memoryMb });
    const { probabilities, decisions } = await readOutput(folder, output, { rows: count, columns: classes.length });
    return { probabilities: probabilities.data, ...(decisions && { decisions: decisions.data }) };
  } finally {
    await guard.end();
  }
}

type Answer = Exclude<FromGuard, { type: 'group' }>;

/** The process that owns the program and its folder; see predict-guard.ts. */
class Guard {
  readonly #process: ChildProcess;
  readonly #ended: Promise<void>;
  #hear: (message: Answer | undefined) => void = () => {};
  #folder: string | undefined;
  /** The process group of the program while it runs */
  #group: number | undefined;

  constructor() {
    // Standard output is reserved for the caller.
    this.#process = fork(GUARD, [], { execArgv: [], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    this.#process.on('message', (message: FromGuard) => this.#take(message));
    this.#ended = this.#end();
  }

  /** Returns the working folder of the program. @throws CryfoldError CHILD_DIED */
  async folder(): Promise<string> {
    const answer = await this.#answer();
    if (answer.type === 'folder') return answer.path;
    throw died();
  }

  /** @throws CryfoldError CHILD_DIED; also any error that `runProgram` throws */
  async run(what: ToGuard): Promise<void> {
    const answer = this.#answer();
    this.#process.send(what);
    const ended = await answer;
    if (ended.type === 'failed') throw CryfoldError.fromRecord(ended.error);
  }

  /** Resolves once the program has exited and its folder has been removed. */
  async end(): Promise<void> {
    if (this.#process.connected) this.#process.disconnect();
    await this.#ended;
  }

  #take(message: FromGuard): void {
    if (message.type === 'group') {
      this.#group = message.id;
      return;
    }
    if (message.type === 'folder') this.#folder = message.path;
    this.#hear(message);
  }

  /** Waits until the process has exited, and cleans up after it if it was killed. */
  async #end(): Promise<void> {
    const child = this.#process;
    await new Promise<void>((resolve) => {
      child.on('error', () => {
        this.#hear(undefined);
        // Any other error, such as a message that could not be sent, does not stop the process.
        if (child.pid === undefined) resolve();
      });
      // The last messages of the process may arrive after it has exited.
      child.once('exit', () => (child.connected ? child.once('disconnect', resolve) : resolve()));
    });
    this.#hear(undefined);
    if (this.#group !== undefined) killGroup(this.#group);
    // Retries, since a process that was just killed may still create files.
    if (this.#folder) await rm(this.#folder, { recursive: true, force: true, maxRetries: 3 });
  }

  #answer(): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#hear = (message) => (message ? resolve(message) : reject(died()));
      if (!this.#process.connected) reject(died());
    });
  }
}

function died(): CryfoldError {
  return new CryfoldError('CHILD_DIED', 'the process that runs the program of a model exited', {
    hint: 'Try again. The machine may have run out of memory.',
  });
}
