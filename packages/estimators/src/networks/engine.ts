import { CryfoldError, decodeNpy, deriveSeed, encodeNpy, redactUrl } from '@cryfold/core';
import {
  type Architecture,
  backboneShapes,
  backboneWeights,
  encodeTrainedModel,
  type FoldExamples,
  type FoldImages,
  loadKerasWeights,
  NetworkTrainer,
  resolveWeights,
  type TrainingParameters,
  type WeightMap,
} from '@cryfold/nn';
import {
  type Engine,
  type EngineContext,
  type EngineSettings,
  type Fold,
  type FoldOutcome,
  readArtifact,
  type TrainingData,
} from '../engine.js';
import { LastValue } from '../last-value.js';
import { checkpointing } from './checkpoints.js';

/**
 * TensorFlow's thread count, XLA setting and GPU cannot change after startup, so all networks in a process share one
 * trainer.
 */
let trainer: Promise<NetworkTrainer> | undefined;

/** Trains folds of one architecture. */
export async function createNetworkEngine<P extends TrainingParameters, Input>(
  architecture: Architecture<P, Input>,
  settings: EngineSettings,
): Promise<Engine<P>> {
  trainer ??= NetworkTrainer.load(settings);
  return new NetworkEngine(architecture, await trainer);
}

/**
 * Inputs are kept between folds, since the folds of a run share them and the trainer loads the same object only once.
 */
const lastExamples = new LastValue<FoldExamples>();
const weights = new LastValue<WeightMap>();

class NetworkEngine<P extends TrainingParameters, Input> implements Engine<P> {
  readonly #architecture: Architecture<P, Input>;
  readonly #trainer: NetworkTrainer;

  constructor(architecture: Architecture<P, Input>, trainer: NetworkTrainer) {
    this.#architecture = architecture;
    this.#trainer = trainer;
  }

  async fit(fold: Fold<P>, context: EngineContext): Promise<FoldOutcome> {
    const { parameters, train, test, labels, seed, checkpoint, keepModel, prerequisite } = fold;
    const { data, artifacts, onProgress, onEpoch } = context;
    const examples = await readExamples(prerequisite, context);
    const kept = await checkpointing(checkpoint, parameters.epochs, artifacts);
    const given = await this.#weights(parameters, context);
    const network = { architecture: this.#architecture, parameters };
    const trained = await this.#trainer.fit(
      labels === data.labels ? examples : { ...examples, labels },
      { train, test },
      network,
      {
        seed,
        onStep: onProgress,
        onEpoch,
        keepWeights: keepModel,
        ...(given && { weights: given }),
        ...(kept && { checkpoint: kept }),
      },
    );
    return {
      probabilities: {
        rows: test.length,
        columns: data.classes.length,
        data: Float64Array.from(trained.probabilities),
      },
      curve: trained.curve,
      environment: this.#trainer.environment,
      model: async () => {
        const [, first, width] = (await data.features()).shape;
        const [, columns] = (await data.vectors?.())?.shape ?? [];
        // A head that was trained on embeddings does not contain the backbone from which they come, so the backbone is
        // added.
        const backbone = prerequisite ? backboneWeights(this.#architecture, deriveSeed(prerequisite), given) : [];
        return encodeTrainedModel({
          network,
          input:
            width === undefined
              ? { columns: first }
              : { height: first, width, ...(columns === undefined ? {} : { columns }) },
          classes: data.classes,
          weights: new Map([...backbone, ...(trained.weights ?? [])]),
        });
      },
    };
  }

  /** Runs one forward pass over all images; all folds of a frozen backbone share its result. */
  async prepare(parameters: P, artifact: string, context: EngineContext): Promise<void> {
    const given = await this.#weights(parameters, context);
    const images = await imagesOf(context.data);
    const network = { architecture: this.#architecture, parameters };
    const embeddings = await this.#trainer.embed(images, network, {
      // Random backbones must be the same in all folds and runs.
      seed: deriveSeed(artifact),
      onStep: context.onProgress,
      ...(given && { weights: given }),
    });
    const clips = context.data.labels.length;
    await context.artifacts.put(artifact, encodeNpy(embeddings, [clips, embeddings.length / clips]));
  }

  async #weights({ weights: source = 'random' }: P, { artifacts, cacheDirectory }: EngineContext) {
    if (source === 'random') return undefined;
    // The command that planned the run has uploaded the file to the store. A path or URL must not be used here, because
    // it would be read from this machine.
    if (!source.startsWith('store:')) {
      throw new CryfoldError('WEIGHTS_INVALID', `${redactUrl(source)}: workers accept weights only from the store`, {
        hint: 'Start the run again with cryfold run, which uploads the file to the store.',
      });
    }
    return weights.get(source, async () => {
      const { path } = await resolveWeights(source, {
        cacheDirectory,
        fetchContent: async (key) => (await artifacts.open(key))?.stream,
      });
      return loadKerasWeights(path, backboneShapes(this.#architecture));
    });
  }
}

async function imagesOf({ features, labels, classes, decibels }: TrainingData): Promise<FoldImages> {
  const { shape, data } = await features();
  if (!(data instanceof Uint8Array) || shape.length !== 4) {
    throw new CryfoldError('JOB_INVALID', `a network reads images, not an array of ${shape.join(' x ')}`);
  }
  return { images: data, height: shape[1], width: shape[2], labels, classCount: classes.length, decibels };
}

/** Returns images to which no backbone has been applied. */
async function examplesOf(training: TrainingData): Promise<FoldExamples> {
  const { shape, data } = await training.features();
  const besides = await training.vectors?.();
  if (besides?.data instanceof Float32Array) {
    return { ...(await imagesOf(training)), vectors: besides.data, columns: besides.shape[1] };
  }
  if (data instanceof Uint8Array) return imagesOf(training);
  return { vectors: data, columns: shape[1], labels: training.labels, classCount: training.classes.length };
}

/**
 * Returns the features, or the embeddings that a frozen backbone has computed from them. As long as the inputs are the
 * same, returns the same object.
 */
async function readExamples(embeddings: string | undefined, { data, artifacts }: EngineContext) {
  return lastExamples.get([embeddings, data], async () => {
    const { labels, classes } = data;
    if (!embeddings) return examplesOf(data);
    const bytes = await readArtifact(artifacts, embeddings);
    return { embeddings: decodeNpy(bytes, '<f4', 2, embeddings).data, labels, classCount: classes.length };
  });
}
