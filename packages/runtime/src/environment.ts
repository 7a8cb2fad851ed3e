import { z } from 'zod';

/** Every environment variable that cryfold itself reads. */
export const environmentSchema = z.object({
  REDIS_URL: z
    .string()
    .min(1)
    .optional()
    .describe('Redis of a cluster; unset, a command starts a private one where it needs one'),
  REDIS_PASSWORD_FILE: z.string().optional().describe('file with the password of that Redis; read at each connection'),
  CRYFOLD_STORE: z.string().min(1).optional().describe('as --store: a folder or s3://BUCKET/PREFIX; unset, ./cryfold'),
  CRYFOLD_CACHE: z
    .string()
    .min(1)
    .optional()
    .describe(
      'where TensorFlow, weights and other built or downloaded files are kept; unset, cryfold in XDG_CACHE_HOME',
    ),
  XDG_CACHE_HOME: z.string().min(1).optional().describe('the folder of caches; unset, ~/.cache'),
  CRYFOLD_LOG_LEVEL: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'silent'])
    .default('info')
    .describe('least level of log lines'),
  CRYFOLD_ONLY_RUN: z
    .string()
    .min(1)
    .optional()
    .describe('the one run that a coordinator drives; set by cryfold run for its own coordinator'),
  CRYFOLD_LOCAL: z.string().optional().describe('set by cryfold run for the services that it starts'),
  CRYFOLD_IMAGE: z
    .enum(['control', 'cpu-worker', 'gpu-worker'])
    .optional()
    .describe('the container image that this is; set in the images'),
  CRYFOLD_START_TIMEOUT: z.coerce
    .number()
    .min(0)
    .max(86_400)
    .default(60)
    .describe('seconds that a starting service waits for a Redis or store that does not answer'),
  // Node's timers fire immediately if their delay exceeds 24 days.
  CRYFOLD_GRACE_SECONDS: z.coerce
    .number()
    .min(0)
    .max(2_000_000)
    .default(25)
    .describe('seconds that a stopping worker lets its folds train on'),
  CRYFOLD_S3_ENDPOINT: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('address of the S3 server; unset, Amazon’s'),
  CRYFOLD_S3_ADDRESSING: z
    .enum(['path', 'host'])
    .optional()
    .describe('whether the bucket is in the path or the host name; unset, path with CRYFOLD_S3_ENDPOINT, else host'),
  CRYFOLD_S3_CA_FILE: z.string().optional().describe('PEM certificates by which the S3 server is trusted'),
  AWS_REGION: z.string().default('us-east-1').describe('region of the bucket'),
  AWS_ACCESS_KEY_ID: z.string().optional().describe('access key of S3'),
  AWS_ACCESS_KEY_ID_FILE: z.string().optional().describe('file with the access key'),
  AWS_SECRET_ACCESS_KEY: z.string().optional().describe('secret key of S3'),
  AWS_SECRET_ACCESS_KEY_FILE: z.string().optional().describe('file with the secret key'),
  AWS_SESSION_TOKEN: z.string().optional().describe('session token of temporary keys'),
  AWS_SESSION_TOKEN_FILE: z.string().optional().describe('file with the session token'),
  AWS_WEB_IDENTITY_TOKEN_FILE: z
    .string()
    .optional()
    .describe('token that is exchanged for the role of AWS_ROLE_ARN, where no keys are given'),
  AWS_ROLE_ARN: z.string().optional().describe('the role'),
  AWS_ROLE_SESSION_NAME: z.string().default('cryfold').describe('name of its sessions'),
  AWS_ENDPOINT_URL_STS: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('address of the STS; needed with an S3 server that is not Amazon’s'),
  CUDA_VISIBLE_DEVICES: z
    .string()
    .optional()
    .describe('GPUs that may be used, by index or UUID, comma-separated; unset, all'),
  CRYFOLD_CHILD_MEMORY_MB: z.coerce
    .number()
    .min(256)
    .optional()
    .describe('MiB that one training or predicting process may use; unset, nearly all of the machine or container'),
  CRYFOLD_METRICS_PORT: z.coerce
    .number()
    .int()
    .min(0)
    .max(65_535)
    .optional()
    .describe('port of /metrics, /healthz and /readyz of a service; 0 takes a free one; unset, none'),
  CRYFOLD_METRICS_HOST: z.string().optional().describe('address that this port listens on; unset, all'),
  OTEL_EXPORTER_OTLP_ENDPOINT: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('OTLP/HTTP collector of traces; unset, nothing is traced'),
  CRYFOLD_SERVER: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('as --server: the address of a coordinator’s API that commands go through'),
  CRYFOLD_API_TOKEN: z.string().optional().describe('token for that server'),
  CRYFOLD_API_TOKEN_FILE: z.string().optional().describe('file with the token'),
  CRYFOLD_API_PORT: z.coerce
    .number()
    .int()
    .min(0)
    .max(65535)
    .optional()
    .describe('port of a coordinator’s API and live page; 0 takes a free one; unset, none'),
  CRYFOLD_API_HOST: z.string().default('127.0.0.1').describe('address that this port listens on'),
  CRYFOLD_API_TOKENS: z
    .string()
    .optional()
    .describe(
      'tokens that the API accepts: read:TOKEN and operate:TOKEN, comma-separated; without any, only this machine may connect',
    ),
  CRYFOLD_API_TOKENS_FILE: z
    .string()
    .optional()
    .describe('file with such tokens, one a line; read again when it changes'),
  CRYFOLD_SERVE_TOKENS: z
    .string()
    .optional()
    .describe('tokens that cryfold serve accepts, as in CRYFOLD_API_TOKENS; without any, every client may ask'),
  CRYFOLD_SERVE_TOKENS_FILE: z
    .string()
    .optional()
    .describe('file with such tokens, one a line; read again when it changes'),
  CRYFOLD_API_RATE: z.coerce.number().int().min(1).default(6000).describe('requests a minute that one client may make'),
});

/**
 * The JSON Schema of the environment: each variable with its values, default and meaning. docs/environment.md is
 * generated from it.
 */
export const environmentJsonSchema = (): object => z.toJSONSchema(environmentSchema, { io: 'input' });
