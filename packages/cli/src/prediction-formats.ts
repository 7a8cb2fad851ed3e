/** Values of `cryfold predict --format`. */
export const PREDICTION_FORMATS = ['table', 'csv', 'jsonl', 'json'] as const;
