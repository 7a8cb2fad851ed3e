/** The keys under which records and arrays are stored. */
export const storeKeys = {
  manifest: (dataset: string) => `datasets/${dataset}/manifest.json`,
  sounds: (dataset: string) => `datasets/${dataset}/sounds.json`,
  audit: (dataset: string) => `datasets/${dataset}/audit.json`,
  images: (features: string) => `features/${features}/images.npy`,
  vectors: (features: string) => `features/${features}/vectors.npy`,
  /**
   * Whether a key belongs to a record of the features from which the latest Gram matrix was computed; see gram.ts in
   * packages/estimators
   */
  isLatestGram: (key: string) => /^features\/latest-gram-\d+\.json$/.test(key),
  /** Result of training an estimator on all clips; for the key, see `finalKey` */
  final: (key: string) => `finals/${key}/result.json`,
  finalRequest: (key: string) => `finals/${key}/request.json`,
  finalAttempt: (key: string, attempt: string) => `finals/${key}/${attempt}/`,
  finalCheckpoint: (key: string) => `finals/${key}/checkpoint/state.safetensors`,
  weights: (hash: string) => `weights/${hash}.h5`,
  result: (fold: string) => `folds/${fold}/result.json`,
  attempt: (fold: string, attempt: string, file: string) => `folds/${fold}/${attempt}/${file}`,
  checkpoint: (fold: string) => `folds/${fold}/checkpoint/state.safetensors`,
  /** The log of a successful or failed attempt */
  log: (fold: string, attempt: string) => `folds/${fold}/${attempt}/log.txt`,
  plan: (run: string) => `runs/${run}/plan.json`,
  searchRecord: (run: string, number: number) => `runs/${run}/search/${String(number).padStart(6, '0')}.json`,
  results: (run: string) => `runs/${run}/results.json`,
  outOfFold: (run: string) => `runs/${run}/out-of-fold.csv`,
  report: (run: string) => `runs/${run}/report.html`,
  /** The report that compares the run with other runs on the same data, each under its own protocol */
  protocols: (run: string) => `runs/${run}/protocols.html`,
  table: (run: string) => `runs/${run}/table.txt`,
  cancelled: (run: string) => `runs/${run}/cancelled.json`,
  scheduling: (run: string) => `runs/${run}/scheduling.json`,
  failures: (run: string) => `runs/${run}/failures/`,
  failure: (run: string, fold: string) => `runs/${run}/failures/${fold}.json`,
} as const;
