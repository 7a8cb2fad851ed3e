import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CryfoldError } from '@cryfold/core';
import type { FeatureArray, Prediction, Predictor, PredictorSettings } from '../engine.js';
import { type CommandModel, decodeModel } from './model-files.js';
import { TRAINED } from './parameters.js';
import type { FromGuard, ToGuard } from './predict-guard.js';
import { outputFile, readOutput, writeDescription, writeFiles, writeRows } from './work-folder.js';

const GUARD = fileURLToPath(new URL('./predict-guard.js', import.meta.url));

/** @throws CryfoldError JOB_INVALID, FORMAT_NEWER, ARTIFACT_MISSING, ARTIFACT_CORRUPT */
export function loadCommand(file: (name: string) => Uint8Array, settings: PredictorSettings): Predictor {
  const model = decodeModel(file);
  return { predict: (features, count) => predict(model, features, count, settings) };
}

/** Starts the program once, in a new folder that holds the model and the rows. */
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

/** The process that owns the program and its folder: predict-guard.ts. */
class Guard {
  readonly #process: ChildProcess;
  readonly #ended: Promise<void>;
  #hear: (message: FromGuard | undefined) => void = () => {};

  constructor() {
    // Standard output is the caller's own.
    this.#process = fork(GUARD, [], { execArgv: [], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    this.#process.on('message', (message: FromGuard) => this.#hear(message));
    this.#ended = new Promise((resolve) => {
      const ended = () => {
        this.#hear(undefined);
        resolve();
      };
      this.#process.once('exit', ended);
      this.#process.on('error', ended);
    });
  }

  /** Where the program will run. @throws CryfoldError CHILD_DIED */
  async folder(): Promise<string> {
    const answer = await this.#answer();
    if (answer.type === 'folder') return answer.path;
    throw died();
  }

  /** @throws CryfoldError as `runProgram`; CHILD_DIED */
  async run(what: ToGuard): Promise<void> {
    const answer = this.#answer();
    this.#process.send(what);
    const ended = await answer;
    if (ended.type === 'failed') throw CryfoldError.fromRecord(ended.error);
  }

  /** Resolves when the program and its folder are gone. */
  async end(): Promise<void> {
    if (this.#process.connected) this.#process.disconnect();
    await this.#ended;
  }

  #answer(): Promise<FromGuard> {
    return new Promise((resolve, reject) => {
      this.#hear = (message) => (message ? resolve(message) : reject(died()));
      if (!this.#process.connected) reject(died());
    });
  }
}

function died(): CryfoldError {
  return new CryfoldError('CHILD_DIED', 'the process that runs the program of a model ended', {
    hint: 'Try again. The machine may lack memory.',
  });
}
