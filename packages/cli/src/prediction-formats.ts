/** What `cryfold predict --format` takes. */
export const PREDICTION_FORMATS = ['table', 'csv', 'jsonl', 'json'] as const;
