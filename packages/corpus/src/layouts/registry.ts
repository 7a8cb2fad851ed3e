import { CryfoldError, printable } from '@cryfold/core';
import type { Recording } from '../recording.js';
import { audioFolder } from './audio-folder.js';
import { chillanto } from './chillanto.js';
import { classFolders } from './class-folders.js';
import { donateacry } from './donateacry.js';
import { esc50 } from './esc50.js';
import { groupFolders } from './group-folders.js';
import { innerClassFolders } from './inner-class-folders.js';
import type { Fit, Layout, Reading, Tree } from './layout.js';
import { foldFolders, splitFolders } from './split-folders.js';
import { urbansound8k } from './urbansound8k.js';

/** All layouts, in order of precedence: the first one whose fit is `sure` is used. */
const LAYOUTS: readonly Layout[] = [
  chillanto,
  donateacry,
  audioFolder,
  esc50,
  urbansound8k,
  splitFolders,
  foldFolders,
  groupFolders,
  classFolders,
  innerClassFolders,
];

/** Names to use with `--layout`. */
const LAYOUT_NAMES: readonly string[] = LAYOUTS.map(({ name }) => name);

/** Maximum number of classes to show per layout. */
const SHOWN = 4;

/**
 * Reads a directory with the layout of the given name, or, if no name is given, with the layout that fits.
 * @throws CryfoldError USAGE for an unknown name; LAYOUT_UNCLEAR with every possible layout
 */
export async function readLayout(tree: Tree, name?: string): Promise<Reading & { layout: string }> {
  if (name !== undefined) {
    const named = LAYOUTS.find((layout) => layout.name === name);
    if (named) return { ...(await named.read(tree)), layout: named.name };
    throw new CryfoldError('USAGE', `--layout: there is no layout ${JSON.stringify(name)}`, {
      context: { layout: name },
      hint: `Layouts: ${LAYOUT_NAMES.join(', ')}.`,
    });
  }
  const fits: { layout: Layout; fit: Fit }[] = [];
  for (const layout of LAYOUTS) {
    const fit = await layout.fits(tree);
    if (fit === 'sure') return { ...(await layout.read(tree)), layout: layout.name };
    fits.push({ layout, fit });
  }
  const possible = fits.flatMap(({ layout, fit }) => (fit === 'possible' ? [layout] : []));
  const [only = classFolders, ...others] = possible;
  if (others.length > 0) throw await unclear(tree, possible);
  return { ...(await only.read(tree)), layout: only.name };
}

async function unclear(tree: Tree, layouts: readonly Layout[]): Promise<CryfoldError> {
  const drawn: string[] = [];
  for (const layout of layouts) {
    const { recordings } = await layout.read(tree);
    drawn.push(`--layout ${layout.name}: ${layout.meaning}`, ...draw(recordings).map((line) => `- ${line}`));
  }
  return new CryfoldError(
    'LAYOUT_UNCLEAR',
    `${tree.root}: its folders can be interpreted in ${layouts.length} ways:\n  ${drawn.join('\n  ')}`,
    {
      context: { path: tree.root, layouts: layouts.map(({ name }) => name).join(' ') },
      hint: `Choose one with ${layouts.map(({ name }) => `--layout ${name}`).join(' or ')}, or list the files in a CSV manifest with the columns path,label,group.`,
    },
  );
}

/** Lists the classes of a layout with the number of their recordings and one path each. */
function draw(recordings: readonly Recording[]): string[] {
  const classes = new Map<string, { count: number; first: string }>();
  for (const one of recordings) {
    if ('error' in one) continue;
    const known = classes.get(one.label);
    if (known) known.count++;
    else classes.set(one.label, { count: 1, first: one.file });
  }
  const line = ([label, { count, first }]: [string, { count: number; first: string }]) =>
    `${printable(label)}: ${count}, such as ${printable(first)}`;
  const lines = [...classes].slice(0, SHOWN).map(line);
  const rest = classes.size - SHOWN;
  return rest > 0 ? [...lines, `and ${rest} more classes`] : lines;
}
