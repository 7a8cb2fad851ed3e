import { checkSpec, type RunPlan, type Spec } from '@cryfold/plan';
import { type Calibrated, type CalibrateOptions, calibration } from './calibration.js';

/** The speed at which this machine trains an estimator with reduced precision, relative to float32. */
export interface PrecisionSpeed {
  estimator: string;
  /** `bfloat16` or `float16` */
  precision: string;
  /** Speed relative to float32; a value above 1 means that reduced precision is faster */
  ratio: number;
}

type Options = Pick<CalibrateOptions, 'cacheDir' | 'onStart'> & { again?: boolean };

/**
 * Measures whether the reduced precisions that a plan requests are faster than float32 on this machine. Trains each
 * network briefly in both precisions, which takes ten seconds in total. The result depends on the processor: reduced
 * precision is faster on processors with AMX or fast bfloat16, while others lose time converting back and forth.
 * Measurements are cached.
 * @param options.again whether to repeat measurements whose results are cached
 * @returns one entry for each network that uses reduced precision and could be measured in time
 */
export async function precisionSpeeds(
  { spec, dataset }: Calibrated,
  { again = false, ...options }: Options,
): Promise<PrecisionSpeed[]> {
  const reduced = Object.entries(spec.estimators).flatMap(([estimator, parameters]) => {
    const { precision = 'float32' } = parameters as { precision?: string };
    return precision === 'float32' ? [] : [{ estimator, precision, parameters }];
  });
  if (reduced.length === 0) return [];
  const full = (name: string) => `${name} in float32`;
  const estimators = Object.fromEntries(
    reduced.flatMap(({ estimator, parameters }) => [
      [estimator, parameters],
      [full(estimator), { ...parameters, precision: 'float32' }],
    ]),
  ) as Spec['estimators'];
  const plan = { spec: { ...spec, estimators }, dataset };
  const seconds = await calibration(plan, Object.keys(estimators), { ...options, measure: again ? 'all' : 'missing' });
  return reduced.flatMap(({ estimator, precision }) => {
    const [own, theirs] = [seconds.get(estimator), seconds.get(full(estimator))];
    return own && theirs ? [{ estimator, precision, ratio: theirs / own }] : [];
  });
}

/** Like `precisionSpeeds`, for the paper's Small CNN in bfloat16. @returns undefined if it could not be measured */
export async function bfloat16Speed(options: Options): Promise<number | undefined> {
  const spec = checkSpec(
    {
      version: 1,
      name: 'precision',
      estimators: { 'small-cnn': { kind: 'small-cnn', epochs: 1, precision: 'bfloat16' } },
    },
    'precision',
  );
  const dataset: Pick<RunPlan['dataset'], 'classes'> = { classes: ['a', 'b', 'c', 'd', 'e'] };
  const [speed] = await precisionSpeeds({ spec, dataset }, options);
  return speed?.ratio;
}
