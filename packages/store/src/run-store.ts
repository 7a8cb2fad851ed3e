import type { ArtifactStore } from './artifact-store.js';
import { DatasetRecords } from './records/datasets.js';
import { FinalRecords } from './records/finals.js';
import { FoldRecords } from './records/folds.js';
import { RunRecords } from './records/runs.js';
import { WeightsRecords } from './records/weights.js';

/**
 * Reads and writes the records of an artifact store as domain objects, and hides their keys, encoding and integrity
 * checks. The bytes of arrays and models are accessed through `artifacts`.
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

  /**
   * Proves that the store can be written and read, and that a conditional put to a key succeeds only once. @throws
   * CryfoldError STORE_UNSAFE and others
   */
  check(): Promise<void> {
    return this.artifacts.check();
  }

  /** Sends one request to check whether the store responds. @throws CryfoldError STORE_UNREACHABLE, STORE_DENIED */
  async ping(): Promise<void> {
    await this.artifacts.has('checks/ready');
  }

  close(): Promise<void> {
    return this.artifacts.close();
  }
}
