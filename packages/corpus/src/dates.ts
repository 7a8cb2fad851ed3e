import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { mapLimited } from '@cryfold/core';
import type { Dataset } from './dataset.js';

/** When the oldest and the newest recording were last changed, in ISO 8601 format. */
export interface ChangeDates {
  first: string;
  last: string;
}

/**
 * Returns when the files of a dataset's clips were first and last changed, according to the file system. Files that
 * have been removed since then are ignored.
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
