/**
 * What a failure means for the work it interrupted (design section 4).
 * - `usage`: the command or its arguments are wrong; nothing was started.
 * - `input`: data or spec are wrong; the same inputs fail again, so it is never retried.
 * - `infrastructure`: store, Redis or network; retried with backoff, not counted against the job.
 * - `crash`: a process died or ran out of memory; retried a few times on a fresh process.
 */
export type FailureClass = 'usage' | 'input' | 'infrastructure' | 'crash';

/**
 * What an input error that a fold meets is about. `fold`: its split or its random numbers, so the trial's other folds
 * are still tried. `trial`: what all folds of the trial share, such as parameters or features, so the others fail alike.
 */
export type FailureScope = 'fold' | 'trial';

export interface ErrorDetails {
  /** Where it went wrong: a file, line, key, clip, URL without credentials. */
  context?: Record<string, string | number | boolean>;
  /** What the reader can do about it. */
  hint?: string;
  cause?: unknown;
}

/**
 * Every error code with its class, its meaning and, where it is not `fold`, its scope: see FailureScope. A code may have
 * scope `trial` only if every fold of the trial meets the error, or else which folds are tried depends on their order.
 * docs/errors.md lists the same; a test compares them.
 */
export const ERROR_CODES = {
  USAGE: ['usage', 'The command line is wrong.'],
  SPEC_INVALID: [
    'input',
    'The spec is not valid YAML, or has an unknown key, a wrong type or an impossible value.',
    'trial',
  ],
  PLAN_TOO_LARGE: ['input', 'A spec or the run that it asks for is larger than one run may be.'],
  DATA_NOT_FOUND: ['input', 'The data directory or manifest does not exist.'],
  DATA_EMPTY: ['input', 'No recording, or no whole clip, was found in the data.'],
  DATA_ONE_CLASS: ['input', 'The data has only one class, so there is nothing to classify.'],
  DATA_CLASS_LOST: ['input', 'A class has files, but none of them gave a clip, so that it would be lost.'],
  DATA_TOO_FEW: ['input', 'There are fewer clips than the splits need.'],
  DATA_MANIFEST_INVALID: ['input', 'A CSV manifest lacks a column, a value or a file.'],
  DATA_NAME_INVALID: ['input', 'A file does not follow the naming or the class folders of the data around it.'],
  DATA_UNREADABLE: ['input', 'A file or folder of the data cannot be read, and is left out.'],
  DATA_READ_ALREADY: ['input', 'A file or folder of the data is read already under another path, and is left out.'],
  DATA_BAD: ['input', 'Several recordings of the data cannot be used; the message has the first of each cause.'],
  DATA_TOO_LARGE: ['input', 'The data has more files, folders or clips than are read.'],
  DATA_CHANGED: ['input', 'A file of the data changed between two reads of one run.'],
  WAV_INVALID: [
    'input',
    'A file is not a recording, is truncated or damaged, or uses an encoding that is not supported.',
  ],
  WAV_EMPTY: ['input', 'A recording holds no samples.'],
  WAV_NOT_FINITE: ['input', 'A recording holds NaN or infinite samples.'],
  WAV_SCALE: ['input', 'A recording holds float samples far beyond full scale, such as -32768 to 32767.'],
  DECODER_MISSING: ['input', 'A recording is of a format that only ffmpeg reads, and ffmpeg is not installed.'],
  CLIP_SHORT: ['input', 'A recording lasts less than half a clip.'],
  CLIP_SILENT: ['input', 'All samples of a clip are equal, so its spectrogram says nothing.'],
  SPLIT_IMPOSSIBLE: ['input', 'The splitter cannot make the requested folds from this data.'],
  FOLD_EMPTY: ['input', 'A fold has no test clip or no training clip.'],
  FOLD_ONE_CLASS: ['input', 'All training clips of a fold are of one class.'],
  GROUPS_UNKNOWN: [
    'input',
    'Grouped folds were asked for, but the data does not say which recordings belong together.',
  ],
  CLASSES_DIFFER: ['input', 'The data and the corpus of --test-on have different classes.'],
  LAYOUT_UNCLEAR: ['input', 'The folders of the data can be read in more than one way.'],
  LEAK_FOUND: [
    'input',
    'A grouped protocol cannot keep its promise: equal sounds span train and test, or every clip is its own group.',
  ],
  RATE_UNKNOWN: ['input', 'A sampling rate is not one of the training data, and the recording is not resampled.'],
  MODEL_NOT_FOUND: ['usage', 'The store or folder has no model of that name or version, or no champion yet.'],
  MODEL_INCOMPARABLE: ['input', 'A champion and its challenger cannot be compared on the new data.'],
  UPLOAD_INVALID: ['usage', 'An HTTP request holds no recording.'],
  UPLOAD_TYPE: ['usage', 'An HTTP request is of a content type that is not understood.'],
  UPLOAD_TOO_LARGE: ['usage', 'An HTTP request is larger than the service takes.'],
  RECORDING_LONG: ['usage', 'A recording has more windows than the prediction service predicts in one request.'],
  SPOOL_FAILED: ['infrastructure', 'The prediction service cannot write an upload to its temporary folder.'],
  SERVER_BUSY: ['infrastructure', 'Too many recordings wait for their prediction.'],
  PREDICTION_TIMEOUT: ['crash', 'A prediction took longer than the service allows.'],
  PROMOTION_LOST: ['usage', 'Another command promoted a version of this model meanwhile.'],
  NPY_INVALID: ['input', 'Bytes are not an npy array of the expected type and shape.', 'trial'],
  FEATURES_INVALID: [
    'input',
    'Files of vectors cannot be read, hold numbers that are not finite, or do not fit the data.',
  ],
  FEATURES_EXTERNAL: ['usage', 'Vectors that were given in files cannot be computed for another recording.'],
  SVM_NOT_FINITE: ['input', 'The kernel matrix or the parameters hold NaN or infinite values.'],
  SVM_ONE_CLASS: ['input', 'The training rows of a fold hold fewer than two classes.'],
  SVM_NOT_CONVERGED: ['input', 'The SVM solver reached its iteration limit before its tolerance.'],
  NN_LOSS_NOT_FINITE: ['input', 'The training loss became NaN or infinite.'],
  WEIGHTS_NOT_FOUND: ['input', 'The pretrained weights file does not exist.', 'trial'],
  WEIGHTS_INVALID: [
    'input',
    'The pretrained weights file is truncated, has the wrong hash, or lacks a layer or shape.',
    'trial',
  ],
  WEIGHTS_UNREACHABLE: ['infrastructure', 'The pretrained weights cannot be downloaded now.'],
  TENSORFLOW_MISSING: ['input', 'The TensorFlow binding is not built or cannot be loaded.', 'trial'],
  REDIS_UNREACHABLE: ['infrastructure', 'Redis does not answer at the configured URL.'],
  REDIS_UNSAFE: [
    'usage',
    'Redis is too old, may delete jobs when its memory is full, or is a node of a Redis Cluster.',
  ],
  REDIS_MISSING: ['usage', 'No redis-server or valkey-server was found for the embedded default.'],
  REDIS_LOST: ['infrastructure', 'The private Redis of a local run cannot be started or kept alive.'],
  START_TIMEOUT: ['infrastructure', 'A service could not start in time.'],
  STORE_URL_INVALID: ['usage', 'The store URL has a scheme or form that is not supported.'],
  STORE_UNREACHABLE: ['infrastructure', 'The artifact store cannot be read or written.'],
  STORE_KEY_INVALID: ['input', 'An artifact key is empty, absolute, or would escape the store.'],
  STORE_UNSAFE: ['usage', 'The store ignores or refuses conditional puts, so that it cannot commit a result once.'],
  STORE_BUCKET_MISSING: ['infrastructure', 'The bucket of the store does not exist.'],
  STORE_CLOCK_WRONG: [
    'infrastructure',
    'The clock of this machine differs too much from the clock of the S3 server, which refuses its requests.',
  ],
  STORE_DENIED: ['infrastructure', 'The store refuses the credentials, or what they were used for.'],
  ARTIFACT_TOO_LARGE: ['input', 'An artifact is larger than what may be read at once.', 'trial'],
  ARTIFACT_MISSING: ['input', 'An artifact that should exist is not in the store.', 'trial'],
  ARTIFACT_CORRUPT: ['input', 'An artifact does not have the content its record promises.', 'trial'],
  PROBABILITIES_INVALID: [
    'input',
    'Probabilities are not finite, do not sum to 1 a row, or are not one row a test clip and one column a class.',
  ],
  JOB_INVALID: ['input', 'A job payload or stored record does not have the expected schema.'],
  FORMAT_NEWER: [
    'infrastructure',
    'A newer cryfold wrote this job or record. It is left as it is, and a job waits for a newer process.',
  ],
  SPEC_FILE_INVALID: ['input', 'A file that an estimator of the spec names cannot be read or is too large.'],
  COMMAND_NOT_FOUND: ['input', 'The program of a command estimator cannot be started.', 'trial'],
  COMMAND_FAILED: ['input', 'The program of a command estimator ended with an error.'],
  COMMAND_TIMEOUT: ['input', 'The program of a command estimator ran longer than its timeoutMinutes.'],
  COMMAND_OUTPUT_INVALID: ['input', 'The program of a command estimator did not write the array that it should.'],
  COMMANDS_NOT_ALLOWED: [
    'infrastructure',
    'A worker or a command that was started without --allow-commands would have to run a program of a spec or model. Another worker may take the job.',
  ],
  OUT_OF_MEMORY: ['crash', 'A training or predicting process needed more memory than it may use. Retried once.'],
  CHECKPOINT_DAMAGED: ['crash', 'The checkpoint of a fold cannot be read. It is deleted, and the fold starts again.'],
  CHILD_DIED: ['crash', 'A training child ended before it returned a result.'],
  PROCESS_DIED: ['crash', 'A coordinator, worker or aggregator process keeps dying.'],
  OUT_IN_USE: ['usage', 'Another command on this machine works on the same run.'],
  OUT_TAKEN: ['usage', 'The --out folder holds the results of another run.'],
  OUT_UNWRITABLE: ['usage', 'A file or folder that the user named for output cannot be written.'],
  RUN_NOT_FOUND: ['usage', 'The store has no run, or no fold, of that name, or the run has not ended.'],
  RUN_AMBIGUOUS: ['usage', 'A name, the beginning of an id or a folder stands for several runs.'],
  RUN_FAILED: ['input', 'At least one fold failed for good, so the run is incomplete.'],
  SERVER_UNREACHABLE: ['infrastructure', 'The server of --server does not answer, or not as its API should.'],
  API_EXPOSED: ['usage', 'The API would listen beyond loopback without any token.'],
  API_PORT_TAKEN: ['infrastructure', 'The API cannot listen on its port.'],
  API_UNAUTHORIZED: ['usage', 'The API, or a prediction service, was asked without a token or session that it knows.'],
  API_FORBIDDEN: ['usage', 'The token may not do that, or the request came from another site.'],
  API_INVALID: ['usage', 'A request to the API has a wrong path, parameter or body.'],
  API_NOT_FOUND: ['usage', 'The API has nothing at this path.'],
  API_METHOD_NOT_ALLOWED: ['usage', 'The path of the API does not take this method.'],
  API_BUSY: ['infrastructure', 'The API gets more requests, viewers or wrong tokens than it takes.'],
  API_DEFECT: ['crash', 'A request to the API met a defect of cryfold; the log of its coordinator tells more.'],
  CANCELLED: ['usage', 'The work was cancelled.'],
} as const satisfies Record<string, readonly [FailureClass, string, FailureScope?]>;

export type ErrorCode = keyof typeof ERROR_CODES;

/** The codes that say that a record promises bytes which are not there: without the record, they are made again. */
export const DAMAGE_CODES: ReadonlySet<ErrorCode> = new Set(['ARTIFACT_MISSING', 'ARTIFACT_CORRUPT', 'NPY_INVALID']);

export interface ErrorRecord {
  code: ErrorCode;
  failure: FailureClass;
  message: string;
  context: Record<string, string | number | boolean>;
  hint?: string;
}

/** Whether an error with this code concerns one fold, or all folds of a trial. */
export function scopeOf(code: ErrorCode): FailureScope {
  const [, , scope = 'fold']: readonly [FailureClass, string, FailureScope?] = ERROR_CODES[code];
  return scope;
}

/** The one error type of cryfold: a code, a failure class, what was wrong, where, and what to do. */
export class CryfoldError extends Error {
  readonly code: ErrorCode;
  readonly failure: FailureClass;
  readonly context: Record<string, string | number | boolean>;
  readonly hint: string | undefined;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'CryfoldError';
    this.code = code;
    this.failure = ERROR_CODES[code][0];
    this.context = details.context ?? {};
    this.hint = details.hint;
  }

  /** True where trying the same again can help. */
  get retryable(): boolean {
    return this.failure === 'infrastructure' || this.failure === 'crash';
  }

  get scope(): FailureScope {
    return scopeOf(this.code);
  }

  /** A plain object that survives a queue, a process boundary or a JSON file. */
  toRecord(): ErrorRecord {
    return {
      code: this.code,
      failure: this.failure,
      message: this.message,
      context: this.context,
      ...(this.hint === undefined ? {} : { hint: this.hint }),
    };
  }

  static fromRecord(record: ErrorRecord): CryfoldError {
    return new CryfoldError(record.code, record.message, {
      context: record.context,
      ...(record.hint === undefined ? {} : { hint: record.hint }),
    });
  }
}

/**
 * Hides what may be secret in a URL, for messages and logs: user and password, all up to the last `@`, since passwords
 * may hold one, and the query. Without a scheme as well (`USER:PASSWORD@HOST`), unless it is a path.
 */
export function redactUrl(url: string): string {
  return url
    .replace(/^((?:[a-z][\w+.-]*:)?\/\/|(?![./]|file:)).*@/is, '$1***@')
    .replace(/(:\/\/[^?#]*)\?[^#]*/, '$1?***');
}
