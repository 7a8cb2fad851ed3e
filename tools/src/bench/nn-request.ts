/** What `scripts/bench nn` asks of our side and of its peers, one JSON object a line. */
export type NetworkRequest =
  | { what: 'peak' }
  | {
      what: Work;
      model: ModelName;
      /** Batches; ignored for a fold */
      steps: number;
      /** Ours only */
      precision?: Precision;
      /** Ours only, of `train`: whether the images are changed, in every way at once */
      augment?: boolean;
      /** Ours only: answer the process's CPU seconds, which other work disturbs less */
      cpu?: boolean;
    };

export type ModelName = 'resnet50' | 'small-cnn';
export type Work = 'train' | 'infer' | 'fold';
export type Precision = 'float32' | 'bfloat16';
