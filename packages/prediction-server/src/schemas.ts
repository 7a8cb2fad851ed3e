/** JSON schemas of the API. Fastify validates requests with them, and the OpenAPI description contains them. */
const seconds = { type: 'number', description: 'seconds from the start of the recording' };
const probabilities = {
  type: 'object',
  additionalProperties: { type: 'number' },
  description: 'probability of each class; they sum to 1',
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
      description: 'seconds from one window to the next; default: the length of a window',
    },
    images: {
      type: 'boolean',
      description: 'include the input images of the model as base64-encoded RGB, for as many windows as fit into 5 MiB',
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
      description: 'whether the window is unlike the training data; absent if the model cannot determine this',
    },
    unlikeness: { type: 'number', description: 'a window with a value above 1 is unlike the training data' },
    image: {
      type: 'string',
      contentEncoding: 'base64',
      description: 'height x width x RGB, with the size in /api/v1/model',
    },
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
          description: 'headline figure of the cross-validation of the model: mean over test folds under this protocol',
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
          rate: { type: 'number', description: 'sample rate of the recording in Hz' },
          resampledTo: {
            type: 'number',
            description:
              'rate in Hz to which the recording was resampled, if the training data did not contain its rate',
          },
          seconds: { type: 'number' },
          windows: { type: 'array', items: windowSchema },
          silent: { type: 'array', items: { type: 'object', properties: { start: seconds, end: seconds } } },
          unlike: {
            type: 'boolean',
            description:
              'whether most windows are unlike the training data, or all are silent; absent if the model cannot determine this',
          },
          mean: {
            type: 'object',
            description:
              'mean of the windows that are like the training data, or of all windows if none of them is; means of several windows were not evaluated; absent if all windows are silent',
            properties: { label: text, probabilities },
          },
        },
      },
    },
  },
} as const;

export const MODEL_SCHEMA = {
  description: 'Contents of the model card',
  type: 'object',
  additionalProperties: true,
  properties: { name: text, version: text, created: text, notice: text, intendedUse: text },
} as const;

export const ERROR_SCHEMA = {
  description: 'Error with a code from docs/errors.md',
  type: 'object',
  properties: {
    error: {
      type: 'object',
      properties: { code: text, message: text, hint: text, context: { type: 'object', additionalProperties: true } },
      required: ['code', 'message'],
    },
  },
} as const;
