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
    };

export type ModelName = 'resnet50' | 'small-cnn';
export type Work = 'train' | 'infer' | 'fold';
export type Precision = 'float32' | 'bfloat16';
