import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Engine, EngineContext, EngineSettings, Fold, FoldOutcome } from '../engine.js';
import { FoldFolder } from './fold-folder.js';
import { encodeModel } from './model-files.js';
import type { DecodedOutput } from './output.js';
import { type Command, TRAINED } from './parameters.js';
import { programFolder, runProgram } from './program.js';
import { Reports } from './reports.js';
import { readTrained, trainedFiles } from './trained-files.js';

/** The output of the programs that were run for one fold. */
interface Trained {
  output: DecodedOutput;
  /** Bytes by path, if trained files are kept */
  files?: ReadonlyMap<string, Uint8Array> | undefined;
  /** MiB; 0 if it cannot be measured */
  peakMb: number;
}

type RunIn = (program: readonly string[], folder: string) => Promise<number>;

/**
 * Runs the user's programs for each fold: either one program that trains and predicts, or one for training and another
 * one for predicting.
 */
export class CommandEngine implements Engine<Command> {
  constructor(private readonly settings: EngineSettings) {}

  async fit(fold: Fold<Command>, context: EngineContext): Promise<FoldOutcome> {
    const { settings } = this;
    const { timeoutMinutes, memoryMb, predict } = fold.parameters;
    const reports = new Reports(context);
    const run: RunIn = (program, folder) =>
      runProgram({ program, folder, settings, timeoutMinutes, memoryMb, reports, onGroup: context.onGroup });
    const inputs = new FoldFolder(fold, context, settings.threads);
    const { path, remove } = programFolder();
    try {
      const trained = predict
        ? await trainAndPredict(inputs, { fold, predict, classes: context.data.classes.length, reports }, path, run)
        : await runOne(inputs, fold, path, run);
      const { output, files, peakMb } = trained;
      const model = files && predict && (await this.#model(fold, context, inputs, { files, predict }));
      return {
        ...output,
        curve: reports.curve,
        environment: {
          ...reports.environment,
          ...(peakMb > 0 && { 'peak memory, MiB': peakMb.toFixed(0) }),
        },
        ...(model && { model }),
      };
    } finally {
      remove();
    }
  }

  async #model(
    { parameters, seed }: Fold<Command>,
    { data }: EngineContext,
    inputs: FoldFolder,
    { files, predict }: { files: ReadonlyMap<string, Uint8Array>; predict: readonly string[] },
  ) {
    const own = await inputs.files();
    const shape = (await data.features()).shape.slice(1);
    const { output, timeoutMinutes, memoryMb } = parameters;
    return () =>
      encodeModel({
        ...{ predict, parameters: parameters.parameters, output, timeoutMinutes, memoryMb },
        ...{ classes: data.classes, shape, seed, threads: this.settings.threads },
        files: new Map([...own, ...files]),
      });
  }
}

async function runOne(inputs: FoldFolder, { parameters }: Fold<Command>, path: string, run: RunIn): Promise<Trained> {
  const folder = join(path, 'run');
  await inputs.writeTraining(folder);
  const peakMb = await run(parameters.run, folder);
  return { output: await inputs.read(folder), peakMb };
}

interface Both {
  fold: Fold<Command>;
  predict: readonly string[];
  classes: number;
  reports: Reports;
}

/**
 * Runs one program to train and another one to predict, which gets the trained files. Neither program gets data that
 * only the other one needs.
 */
async function trainAndPredict(
  inputs: FoldFolder,
  { fold, predict, classes, reports }: Both,
  path: string,
  run: RunIn,
): Promise<Trained> {
  const [training, predicting] = [join(path, 'run'), join(path, 'predict')];
  await inputs.writeTraining(training);
  const peakMb = await run(fold.parameters.run, training);
  const paths = await trainedFiles(training);
  // The files are read before `predict` runs, since it could change them.
  const files = fold.keepModel ? await readTrained(training, paths) : undefined;
  if (fold.test.length === 0) {
    return { output: { probabilities: { rows: 0, columns: classes, data: new Float64Array() } }, files, peakMb };
  }
  await inputs.writePrediction(predicting);
  await rename(join(training, TRAINED), join(predicting, TRAINED));
  await rm(training, { recursive: true, force: true });
  reports.beginPrediction();
  const peaks = [peakMb, await run(predict, predicting)];
  return { output: await inputs.read(predicting), files, peakMb: Math.max(...peaks) };
}
