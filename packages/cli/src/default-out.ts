/** Where a local run puts its results and its store, unless `--out` says otherwise. */
export const DEFAULT_OUT = 'cryfold-out';
