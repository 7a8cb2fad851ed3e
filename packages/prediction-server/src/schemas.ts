/** JSON schemas of the API: fastify checks requests by them, and OpenAPI shows them. */
const seconds = { type: 'number', description: 'seconds from the recording’s start' };
const probabilities = {
  type: 'object',
  additionalProperties: { type: 'number' },
  description: 'of each class, together 1',
};
const text = { type: 'string' };

export const QUERY_SCHEMA = {
  type: 'object',
  additionalProperties: false,
  properties: {
    hop: {
      type: 'number',
      minimum: 0.05,
      maximum: 3600,
      description: 'seconds from one window to the next; default: a window’s length',
    },
    images: {
      type: 'boolean',
      description: 'also send what the model saw: RGB bytes in base64, of as many windows as fit into 5 MiB',
    },
  },
} as const;

const windowSchema = {
  type: 'object',
  properties: {
    start: seconds,
    end: seconds,
    label: text,
    probabilities,
    unlike: {
      type: 'boolean',
      description: 'whether it is unlike the training data; absent where the model cannot say',
    },
    unlikeness: { type: 'number', description: 'more than 1 is unlike' },
    image: { type: 'string', contentEncoding: 'base64', description: 'height x width x RGB, as /api/v1/model says' },
  },
  required: ['start', 'end', 'label', 'probabilities'],
} as const;

export const PREDICTION_SCHEMA = {
  description: 'Probabilities of each window, and their mean over the recording',
  type: 'object',
  properties: {
    model: {
      type: 'object',
      properties: {
        ...{ name: text, version: text, notice: text },
        evaluation: {
          type: 'object',
          description: 'the headline figure of its cross-validation: a mean over test folds, under this protocol',
          properties: { metric: text, mean: { type: 'number' }, protocol: text, warning: text },
        },
      },
    },
    classes: { type: 'array', items: text },
    predictions: {
      type: 'array',
      items: {
        type: 'object',
        properties: {
          name: text,
          rate: { type: 'number', description: 'of the recording, Hz' },
          resampledTo: {
            type: 'number',
            description:
              'Hz; where the training data had not the rate of the recording, which was resampled to this one',
          },
          seconds: { type: 'number' },
          windows: { type: 'array', items: windowSchema },
          silent: { type: 'array', items: { type: 'object', properties: { start: seconds, end: seconds } } },
          unlike: {
            type: 'boolean',
            description:
              'whether most windows are unlike the training data, or all are silent; absent where the model cannot say',
          },
          mean: {
            type: 'object',
            description:
              'the mean of the windows that are like the training data, or of all if none is; no evaluation stands behind it where there are several; absent where all windows are silent',
            properties: { label: text, probabilities },
          },
        },
      },
    },
  },
} as const;

export const MODEL_SCHEMA = {
  description: 'What the model card says',
  type: 'object',
  additionalProperties: true,
  properties: { name: text, version: text, created: text, notice: text, intendedUse: text },
} as const;

export const ERROR_SCHEMA = {
  description: 'What was wrong; codes are those of docs/errors.md',
  type: 'object',
  properties: {
    error: {
      type: 'object',
      properties: { code: text, message: text, hint: text, context: { type: 'object', additionalProperties: true } },
      required: ['code', 'message'],
    },
  },
} as const;
