/** What `scripts/bench nn` asks cryfold's side and its peers to do, one JSON object per line. */
export type NetworkRequest =
  | { what: 'peak' }
  | {
      what: Work;
      model: ModelName;
      /** Number of batches; ignored for a fold */
      steps: number;
      /** Only for cryfold */
      precision?: Precision;
      /** Only for `train` and cryfold: whether images are changed, in all ways together */
      augment?: boolean;
      /** Only for cryfold: return the CPU seconds of the process, which other work disturbs less */
      cpu?: boolean;
    };

export type ModelName = 'resnet50' | 'small-cnn';
export type Work = 'train' | 'infer' | 'fold';
export type Precision = 'float32' | 'bfloat16';
