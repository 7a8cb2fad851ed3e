/** A request of `scripts/bench nn` to cryfold's side or a peer, as one JSON object per line. */
export type NetworkRequest =
  | { what: 'peak' }
  | {
      what: Work;
      model: ModelName;
      /** Number of batches; ignored for a fold */
      steps: number;
      /** Only for cryfold */
      precision?: Precision;
      /** Whether to apply all augmentations together; only for `train`, and only on cryfold's side */
      augment?: boolean;
      /** Only for cryfold: return CPU seconds of the process, which depend less on other load on the machine */
      cpu?: boolean;
    };

export type ModelName = 'resnet50' | 'small-cnn';
export type Work = 'train' | 'infer' | 'fold';
export type Precision = 'float32' | 'bfloat16';
