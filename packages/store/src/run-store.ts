import type { ArtifactStore } from './artifact-store.js';
import { DatasetRecords } from './records/datasets.js';
import { FinalRecords } from './records/finals.js';
import { FoldRecords } from './records/folds.js';
import { RunRecords } from './records/runs.js';
import { WeightsRecords } from './records/weights.js';

/**
 * The records of an artifact store in the words of the domain. Their keys, encoding and integrity checks are here and
 * nowhere else; the bytes of arrays and models stay in `artifacts`.
 */
export class RunStore {
  readonly runs: RunRecords;
  readonly folds: FoldRecords;
  readonly datasets: DatasetRecords;
  readonly finals: FinalRecords;
  readonly weights: WeightsRecords;

  constructor(readonly artifacts: ArtifactStore) {
    this.runs = new RunRecords(artifacts);
    this.folds = new FoldRecords(artifacts);
    this.datasets = new DatasetRecords(artifacts);
    this.finals = new FinalRecords(artifacts);
    this.weights = new WeightsRecords(artifacts);
  }

  /** Proves that the store can be written, read and commits once. @throws CryfoldError STORE_UNSAFE and others */
  check(): Promise<void> {
    return this.artifacts.check();
  }

  /** Asks the store one question, to learn whether it answers. @throws CryfoldError STORE_UNREACHABLE, STORE_DENIED */
  async ping(): Promise<void> {
    await this.artifacts.has('checks/ready');
  }

  close(): Promise<void> {
    return this.artifacts.close();
  }
}
