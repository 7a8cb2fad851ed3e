import type { Recording } from '../recording.js';

/** Soft hyphens, zero-width spaces, direction marks, word joiners and byte order marks have no meaning in names. */
const INVISIBLE = /[\u00ad\u200b\u200e\u200f\u2060\ufeff]/g;
/** At either end of a name, joiners have no effect. Within a word they matter, for example in Persian. */
const EDGES = /^[\s\u200c\u200d]+|[\s\u200c\u200d]+$/g;

/** Removes invisible characters, and white space and joiners at both ends. */
export function trimmed(text: string): string {
  return text.replace(INVISIBLE, '').replace(EDGES, '');
}

/**
 * Returns the uniform spelling of a label, group or column name: in Unicode's composed form (NFC), without invisible
 * characters or surrounding white space (of any script, including no-break spaces), and with single blanks inside. Case
 * is kept.
 */
export function tidyName(text: string): string {
  return trimmed(text).replace(/\s+/g, ' ').normalize('NFC');
}

/** Maximum number of findings of each kind to list, and maximum number of spellings to list for each. */
const SHOWN = 5;
const NOT_KNOWN = new Set(['na', 'n/a', 'nan', 'null', 'none', 'unknown', '?', '-']);

/**
 * Makes the spelling of labels and groups uniform with `tidyName`. If spellings still differ in case, uses the spelling
 * of most recordings. If a recording is its own group, the group is unchanged.
 * @param groups whether groups are names; if they are paths of files, they are unchanged
 * @returns the recordings in their order, and warnings about names that had several spellings or look like other names
 */
export function unifyNames(
  recordings: readonly Recording[],
  { groups: named = true } = {},
): { recordings: Recording[]; warnings: string[] } {
  const known = recordings.filter((recording) => 'label' in recording);
  const labels = spellings(known.map(({ label }) => label));
  const groups = spellings(known.flatMap(({ group, file }) => (named && group !== file ? [group] : [])));
  const unified = recordings.map((recording): Recording => {
    if (!('label' in recording)) return recording;
    const { label, group, file } = recording;
    return { ...recording, label: labels.get(label)!, group: group === file ? file : (groups.get(group) ?? group) };
  });
  return { recordings: unified, warnings: [...warningsOf('class', labels), ...warningsOf('group', groups)] };
}

/** Chooses the spelling to use for each name. */
function spellings(names: readonly string[]): Map<string, string> {
  const counts = new Map<string, Map<string, number>>();
  for (const name of names) {
    const tidy = tidyName(name);
    const alike = counts.get(fold(tidy)) ?? new Map<string, number>();
    counts.set(fold(tidy), alike.set(tidy, (alike.get(tidy) ?? 0) + 1));
  }
  const chosen = new Map<string, string>();
  for (const [key, alike] of counts) {
    const [[most]] = [...alike].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
    chosen.set(key, most);
  }
  return new Map(names.map((name) => [name, chosen.get(fold(tidyName(name)))!]));
}

const fold = (name: string): string => name.toLowerCase();

function warningsOf(what: 'class' | 'group', chosen: ReadonlyMap<string, string>): string[] {
  const written = new Map<string, string[]>();
  for (const [name, used] of chosen) written.set(used, [...(written.get(used) ?? []), name]);
  const several = what === 'class' ? 'classes' : 'groups';
  const list = (names: readonly string[]) => `${names.slice(0, SHOWN).map(visible).join(', ')}${more(names.length)}`;
  const cased: string[] = [];
  const blank: string[] = [];
  const numbers = new Map<number, string[]>();
  const unknown: string[] = [];
  for (const [used, names] of written) {
    const tidy = [...new Set(names.map(tidyName))].sort();
    if (tidy.length > 1) cased.push(`${several} ${list(tidy)} differ only in case and are read as ${visible(used)}`);
    else if (names.length > 1)
      blank.push(`${what} ${visible(used)} has ${names.length} spellings that look alike: ${list(names.sort())}`);
    if (/^[+-]?\d+(\.\d+)?$/.test(used)) numbers.set(Number(used), [...(numbers.get(Number(used)) ?? []), used]);
    if (NOT_KNOWN.has(fold(used)))
      unknown.push(`${what} ${visible(used)} looks like a missing value, but is used as a ${what}`);
  }
  const equal = [...numbers.values()]
    .filter((names) => names.length > 1)
    .map((names) => `${several} ${list(names.sort())} are equal as numbers, but are different ${several}`);
  return [cased, blank, equal, unknown].flatMap((lines) => {
    const rest = lines.length - SHOWN;
    return rest > 0 ? [...lines.slice(0, SHOWN), `and ${rest} more ${several} like these`] : lines;
  });
}

const more = (count: number): string => (count > SHOWN ? ` and ${count - SHOWN} more` : '');

/** Quotes a name, and escapes characters that are invisible or look like others. */
function visible(name: string): string {
  return JSON.stringify(name).replace(
    /[\p{Cf}\p{M}\p{Zl}\p{Zp}]|(?! )\p{Zs}/gu,
    (character) => `\\u${character.codePointAt(0)!.toString(16).padStart(4, '0')}`,
  );
}
