/**
 * The kind of a failure, which decides whether the interrupted work is retried.
 * - `usage`: the command or its arguments are wrong; nothing was started.
 * - `input`: the data or the spec is wrong; never retried, because the same input would fail again.
 * - `infrastructure`: the store, Redis or the network failed; retried with backoff, and not counted as an attempt of
 *   the job.
 * - `crash`: a process died or ran out of memory; retried a few times in a new process.
 */
export type FailureClass = 'usage' | 'input' | 'infrastructure' | 'crash';

/**
 * Whether an input error concerns one fold or a whole trial. `fold`: caused by the split or the random numbers of this
 * fold, so the trial's other folds still run. `trial`: caused by something that all folds share, such as parameters or
 * features, so every fold would fail in the same way.
 */
export type FailureScope = 'fold' | 'trial';

export interface ErrorDetails {
  /** Where the error occurred, such as a file, line, key, clip, or URL without credentials. */
  context?: Record<string, string | number | boolean>;
  /** What the user can do to fix the error. */
  hint?: string;
  cause?: unknown;
}

/**
 * Every error code with its class, meaning and FailureScope (default: `fold`). Use the scope `trial` only for errors
 * that would occur in every fold of the trial. Otherwise, the set of folds that are trained would depend on their
 * order. docs/errors.md is generated from this list.
 */
export const ERROR_CODES = {
  USAGE: ['usage', 'The command line is wrong.'],
  SPEC_INVALID: [
    'input',
    'The spec is not valid YAML, or contains an unknown key, a value of the wrong type or an impossible value.',
    'trial',
  ],
  PLAN_TOO_LARGE: ['input', 'A spec, or the run that it describes, exceeds the size limits.'],
  DATA_NOT_FOUND: ['input', 'The data directory or manifest does not exist.'],
  DATA_EMPTY: ['input', 'The data contains no recordings or no complete clips.'],
  DATA_ONE_CLASS: ['input', 'The data has only one class, so there is nothing to classify.'],
  DATA_CLASS_LOST: ['input', 'A class has files but no usable clips, so this class would be missing from the run.'],
  DATA_TOO_FEW: ['input', 'The data contains fewer clips than the splits require.'],
  DATA_MANIFEST_INVALID: ['input', 'A CSV manifest lacks a column or a value, or lists a file that does not exist.'],
  DATA_NAME_INVALID: ['input', 'A file does not match the naming scheme or the class folders of the other files.'],
  DATA_UNREADABLE: ['input', 'A file or folder in the data cannot be read, so it is skipped.'],
  DATA_READ_ALREADY: ['input', 'A file or folder in the data was already read under another path, so it is skipped.'],
  DATA_BAD: ['input', 'Several recordings in the data cannot be used; the message shows one example per cause.'],
  DATA_TOO_LARGE: ['input', 'The data has more files, folders or clips than a run allows.'],
  DATA_CHANGED: ['input', 'A file in the data changed after the run first read it.'],
  WAV_INVALID: ['input', 'A file is not a recording, is truncated or damaged, or uses an unsupported encoding.'],
  WAV_EMPTY: ['input', 'A recording has no samples.'],
  WAV_NOT_FINITE: ['input', 'A recording contains NaN or infinite samples.'],
  WAV_SCALE: [
    'input',
    'A recording contains floating-point samples far beyond full scale, for example from -32768 to 32767.',
  ],
  DECODER_MISSING: ['input', 'A recording has a format that can only be read with ffmpeg, which is not installed.'],
  CLIP_SHORT: ['input', 'A recording is shorter than half a clip.'],
  CLIP_SILENT: ['input', 'All samples of a clip are equal, so its spectrogram is blank.'],
  SPLIT_IMPOSSIBLE: ['input', 'The splitter cannot create the requested folds from this data.'],
  FOLD_EMPTY: ['input', 'A fold has no test clips or no training clips.'],
  FOLD_ONE_CLASS: ['input', 'All training clips of a fold belong to one class.'],
  GROUPS_UNKNOWN: [
    'input',
    'The spec requests grouped folds, but the data does not specify which recordings belong together.',
  ],
  CLASSES_DIFFER: ['input', 'The data and the --test-on corpus have different classes.'],
  LAYOUT_UNCLEAR: ['input', 'The folder structure of the data can be interpreted in more than one way.'],
  LEAK_FOUND: [
    'input',
    'Grouped folds would leak: identical sounds are in both the training and the test set, or every clip is its own group.',
  ],
  RATE_UNKNOWN: [
    'input',
    'A recording has a sampling rate that does not occur in the training data, and recordings are not resampled.',
  ],
  MODEL_NOT_FOUND: [
    'usage',
    'The store or folder does not contain a model with this name or version, or the model does not have a champion yet.',
  ],
  MODEL_INCOMPARABLE: ['input', 'A champion and its challenger cannot be compared on the new data.'],
  UPLOAD_INVALID: ['usage', 'An HTTP request contains no recording.'],
  UPLOAD_TYPE: ['usage', 'An HTTP request has an unsupported content type.'],
  UPLOAD_TOO_LARGE: ['usage', 'An HTTP request is larger than the service allows.'],
  RECORDING_LONG: ['usage', 'A recording has more windows than the prediction service accepts in one request.'],
  SPOOL_FAILED: ['infrastructure', 'The prediction service cannot write an upload to its temporary folder.'],
  SERVER_BUSY: ['infrastructure', 'Too many recordings are waiting to be predicted.'],
  PREDICTION_TIMEOUT: ['crash', 'A prediction took longer than the service allows.'],
  PROMOTION_LOST: ['usage', 'Another command promoted a version of this model in the meantime.'],
  NPY_INVALID: ['input', 'A file is not an npy array of the expected type and shape.', 'trial'],
  FEATURES_INVALID: [
    'input',
    'Files with precomputed vectors cannot be read, contain NaN or infinite values, or do not match the data.',
  ],
  FEATURES_EXTERNAL: [
    'usage',
    'A feature set consists of precomputed vectors, so it cannot be computed for new recordings.',
  ],
  SVM_NOT_FINITE: ['input', 'The kernel matrix or the parameters contain NaN or infinite values.'],
  SVM_ONE_CLASS: ['input', 'The training rows of a fold contain fewer than two classes.'],
  SVM_NOT_CONVERGED: ['input', 'The SVM solver reached its iteration limit before it converged.'],
  NN_LOSS_NOT_FINITE: ['input', 'The training loss became NaN or infinite.'],
  WEIGHTS_NOT_FOUND: ['input', 'The pretrained weights file does not exist.', 'trial'],
  WEIGHTS_INVALID: [
    'input',
    'The pretrained weights file is truncated, has the wrong hash, or does not match the layers of the network.',
    'trial',
  ],
  WEIGHTS_UNREACHABLE: ['infrastructure', 'The pretrained weights cannot be downloaded at the moment.'],
  TENSORFLOW_MISSING: ['input', 'The TensorFlow binding is not built or cannot be loaded.', 'trial'],
  REDIS_UNREACHABLE: ['infrastructure', 'Redis does not respond at the configured URL.'],
  REDIS_UNSAFE: [
    'usage',
    'Redis is too old, may delete jobs when its memory is full, or is a node of a Redis Cluster although REDIS_URL is not a redis+cluster URL.',
  ],
  REDIS_MISSING: ['usage', 'No redis-server or valkey-server was found for the private Redis of a local run.'],
  REDIS_LOST: ['infrastructure', 'The private Redis of a local run cannot be started or kept alive.'],
  START_TIMEOUT: ['infrastructure', 'A service could not start in time.'],
  STORE_URL_INVALID: ['usage', 'The store URL is malformed or has an unsupported scheme.'],
  STORE_UNREACHABLE: ['infrastructure', 'The artifact store cannot be read or written.'],
  STORE_KEY_INVALID: ['input', 'An artifact key is empty, absolute, or points outside the store.'],
  STORE_UNSAFE: [
    'usage',
    'The store ignores or refuses conditional puts, so it cannot guarantee that a result is committed only once.',
  ],
  STORE_BUCKET_MISSING: ['infrastructure', 'The S3 bucket of the store does not exist.'],
  STORE_CLOCK_WRONG: [
    'infrastructure',
    "This machine's clock differs too much from the S3 server's clock, so the server refuses the requests.",
  ],
  STORE_DENIED: ['infrastructure', 'The store rejects the credentials or does not allow the operation.'],
  ARTIFACT_TOO_LARGE: ['input', 'An artifact is too large to be read into memory.', 'trial'],
  ARTIFACT_MISSING: ['input', 'An artifact that should exist is not in the store.', 'trial'],
  ARTIFACT_CORRUPT: ['input', 'An artifact does not match the size or hash in its record.', 'trial'],
  PROBABILITIES_INVALID: [
    'input',
    'Predicted probabilities are not finite, do not sum to 1 in each row, or do not have one row per test clip and one column per class.',
  ],
  JOB_INVALID: ['input', 'A job payload or stored record does not have the expected schema.'],
  FORMAT_NEWER: [
    'infrastructure',
    'A job or record was written by a newer version of cryfold. Records are left unchanged, and jobs wait until a process running a newer version takes them.',
  ],
  SPEC_FILE_INVALID: ['input', 'A file that an estimator in the spec refers to cannot be read or is too large.'],
  COMMAND_NOT_FOUND: ['input', 'The program of a command estimator cannot be started.', 'trial'],
  COMMAND_FAILED: ['input', 'The program of a command estimator exited with an error.'],
  COMMAND_TIMEOUT: [
    'input',
    'The program of a command estimator ran longer than the estimator allows (timeoutMinutes).',
  ],
  COMMAND_OUTPUT_INVALID: ['input', 'The program of a command estimator did not write the expected output.'],
  COMMANDS_NOT_ALLOWED: [
    'infrastructure',
    'A worker or command that was started without --allow-commands would have to run a program from a spec or model. Another worker may take the job.',
  ],
  OUT_OF_MEMORY: [
    'crash',
    'A training or prediction process needed more memory than it was allowed to use. The job is retried once.',
  ],
  CHECKPOINT_DAMAGED: [
    'crash',
    'The checkpoint of a fold cannot be read. It is deleted, and the fold starts from scratch.',
  ],
  CHILD_DIED: ['crash', 'A child process exited before it returned a result.'],
  PROCESS_DIED: ['crash', 'A coordinator, worker or aggregator process crashes repeatedly.'],
  OUT_IN_USE: ['usage', 'Another command on this machine is working on the same run.'],
  OUT_TAKEN: ['usage', 'The --out folder contains the results of another run.'],
  OUT_UNWRITABLE: ['usage', 'An output file or folder cannot be written.'],
  RUN_NOT_FOUND: ['usage', 'The store does not contain a run or fold with this name, or the run has not finished.'],
  RUN_AMBIGUOUS: ['usage', 'A name, id prefix or folder matches several runs.'],
  RUN_FAILED: ['input', 'At least one fold failed permanently, so the run is incomplete.'],
  SERVER_UNREACHABLE: [
    'infrastructure',
    'The server specified with --server does not respond, or its response is not from the cryfold API.',
  ],
  API_EXPOSED: ['usage', 'The API would accept connections from other machines without requiring a token.'],
  API_PORT_TAKEN: ['infrastructure', 'The API cannot listen on its port.'],
  API_UNAUTHORIZED: [
    'usage',
    'A request to the API or a prediction service does not include a valid token or session.',
  ],
  API_FORBIDDEN: ['usage', 'The token does not permit the request, or the request came from another site.'],
  API_INVALID: ['usage', 'A request to the API has an invalid path, parameter or body.'],
  API_NOT_FOUND: ['usage', 'The path of a request does not exist in the API.'],
  API_METHOD_NOT_ALLOWED: ['usage', 'The API does not support the HTTP method of a request for this path.'],
  API_BUSY: [
    'infrastructure',
    'The API is handling too many requests or viewers at once, or has received too many wrong tokens.',
  ],
  API_DEFECT: [
    'crash',
    'An internal error occurred while handling a request to the API; see the log of the coordinator.',
  ],
  CANCELLED: ['usage', 'The work was cancelled.'],
} as const satisfies Record<string, readonly [FailureClass, string, FailureScope?]>;

export type ErrorCode = keyof typeof ERROR_CODES;

/**
 * Codes of errors about missing or damaged bytes that a record refers to. If the record is deleted, cryfold computes
 * the bytes again.
 */
export const DAMAGE_CODES: ReadonlySet<ErrorCode> = new Set(['ARTIFACT_MISSING', 'ARTIFACT_CORRUPT', 'NPY_INVALID']);

export interface ErrorRecord {
  code: ErrorCode;
  failure: FailureClass;
  message: string;
  context: Record<string, string | number | boolean>;
  hint?: string;
}

/** Whether an error with this code affects only its fold or all folds of the trial. */
export function scopeOf(code: ErrorCode): FailureScope {
  const [, , scope = 'fold']: readonly [FailureClass, string, FailureScope?] = ERROR_CODES[code];
  return scope;
}

/** The only error type in cryfold. Contains a code, a failure class, what is wrong, where, and how to fix it. */
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

  /** Whether a retry can succeed. */
  get retryable(): boolean {
    return this.failure === 'infrastructure' || this.failure === 'crash';
  }

  get scope(): FailureScope {
    return scopeOf(this.code);
  }

  /** Returns a plain object that can be sent through a queue or to another process, or written to a JSON file. */
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
 * Removes secrets from a URL for messages and logs: the query, the user and the password. Everything up to the last `@`
 * is removed, because a password may contain `@`. Also handles `USER:PASSWORD@HOST` without a scheme. Leaves paths
 * unchanged.
 */
export function redactUrl(url: string): string {
  return url
    .replace(/^((?:[a-z][\w+.-]*:)?\/\/|(?![./]|file:)).*@/is, '$1***@')
    .replace(/(:\/\/[^?#]*)\?[^#]*/, '$1?***');
}
