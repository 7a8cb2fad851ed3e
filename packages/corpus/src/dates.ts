import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { mapLimited } from '@cryfold/core';
import type { Dataset } from './dataset.js';

/** The modification times of the oldest and the newest recording, in ISO 8601 format. */
export interface ChangeDates {
  first: string;
  last: string;
}

/**
 * Returns the earliest and the latest modification time of the files from which a dataset's clips come. Files that no
 * longer exist are ignored.
 */
export async function changeDates({ root, clips }: Pick<Dataset, 'root' | 'clips'>): Promise<ChangeDates | undefined> {
  const files = [...new Set(clips.map(({ file }) => file))];
  const found = await mapLimited(files, (file) =>
    stat(resolve(root, file)).then(
      ({ mtimeMs }) => [mtimeMs],
      () => [],
    ),
  );
  let [first, last] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const [time] of found) {
    if (time === undefined) continue;
    first = Math.min(first, time);
    last = Math.max(last, time);
  }
  if (first > last) return undefined;
  return { first: new Date(first).toISOString(), last: new Date(last).toISOString() };
}
