import type { Dataset } from '@cryfold/corpus';
import { type Audit, type AuditedRecording, auditRecordings } from '@cryfold/evaluation';

/**
 * Audits a dataset by the properties that were measured while reading it, so recordings need not be read again.
 * @param sounds result of `sharedSounds`
 */
export function auditDataset(dataset: Dataset, sounds: readonly (readonly number[])[]): Audit {
  const recordings = new Map<string, AuditedRecording>();
  for (const { file, label, group } of dataset.clips) {
    const known = recordings.get(file);
    if (known) {
      known.clips++;
      continue;
    }
    const properties = dataset.properties.get(file);
    if (properties) recordings.set(file, { label, group, clips: 1, ...properties });
  }
  return auditRecordings({
    recordings: [...recordings.values()],
    classes: [...new Set(Array.from(recordings.values(), ({ label }) => label))].sort(),
    groupSource: dataset.groupSource,
    sounds: sounds.map((clips) => clips.map((clip) => dataset.clips[clip])),
  });
}
