import type { CaseGroup } from './case.js';
import { cluster } from './cluster.js';
import { corpora } from './corpora.js';
import { folds } from './folds.js';
import { layouts } from './layouts.js';
import { manifests } from './manifests.js';
import { specs } from './specs.js';
import { streams } from './streams.js';
import { waves } from './waves.js';

/**
 * All cases, in the order in which they run. To add a case, write it in the file for its kind, or in a new file that is
 * then listed here.
 */
export const GROUPS: readonly CaseGroup[] = [folds, streams, layouts, corpora, manifests, waves, specs, cluster];
