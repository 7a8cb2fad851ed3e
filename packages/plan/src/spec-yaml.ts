import { CryfoldError } from '@cryfold/core';
import { type Document, isScalar, parseDocument, visit } from 'yaml';

/** Maximum number of aliases in a document. Resolving an alias searches the whole document for its anchor. */
const ALIASES = 500;

export interface ReadYaml {
  value: unknown;
  /** The line of the value at a path, or of its closest ancestor */
  lineOf: (path: readonly PropertyKey[]) => number;
}

/**
 * Parses YAML whose keys are all strings. Other keys, such as maps, are rejected, because converting nested keys to
 * text takes time that is exponential in their depth.
 * @param file name shown in messages
 * @throws CryfoldError SPEC_INVALID with file and line
 */
export function readYaml(source: string, file: string): ReadYaml {
  // The library compares each key with all others, whereas `duplicateKey` takes linear time.
  const document = parseDocument(source, {
    // With `silent`, the library would ignore a second document. `parseDocument` prints nothing at any log level.
    logLevel: 'error',
    prettyErrors: false,
    stringKeys: true,
    uniqueKeys: false,
  });
  const lineAt = (offset: number) => source.slice(0, offset).split('\n').length;
  const unreadable = (line: number, message: string) =>
    new CryfoldError('SPEC_INVALID', `${file}:${line}: ${message.split('\n')[0]}`, {
      context: { file, line },
      hint: 'Correct the YAML; specs/paper.yaml is a complete example.',
    });
  if (source.includes('\0')) throw unreadable(1, 'the text is not UTF-8; save it as UTF-8');
  const problem = document.errors.at(0);
  if (problem) {
    if (problem.code === 'MULTIPLE_DOCS') {
      throw unreadable(lineAt(problem.pos[0]), 'a second document starts here, but a spec is a single document');
    }
    const deep = problem.message.includes('call stack') ? 'nested too deeply' : problem.message;
    throw unreadable(lineAt(problem.pos[0]), deep);
  }
  const found = findFault(document);
  if (found) throw unreadable(lineAt(found.offset), found.message);
  let value: unknown;
  try {
    value = document.toJS();
  } catch (error) {
    // The error is about an alias without an anchor, or aliases that expand to more than a spec can need.
    throw unreadable(1, error instanceof RangeError ? 'nested too deeply' : (error as Error).message);
  }
  const lineOf: ReadYaml['lineOf'] = (path) => {
    let node: unknown;
    for (let depth = path.length; depth >= 0 && !node; depth--) node = document.getIn(path.slice(0, depth), true);
    const range = (node as { range?: [number, number, number] } | undefined)?.range;
    return range ? lineAt(range[0]) : 1;
  };
  return { value, lineOf };
}

/** Finds the first key that occurs twice in the same map, or the first alias beyond the limit. */
function findFault(document: Document): { offset: number; message: string } | undefined {
  let found: { offset: number; message: string } | undefined;
  let aliases = 0;
  visit(document, {
    Alias: (_key, { range }) => {
      if (++aliases <= ALIASES) return undefined;
      found = { offset: range?.[0] ?? 0, message: `more than ${ALIASES} aliases` };
      return visit.BREAK;
    },
    Map: (_key, { items }) => {
      const seen = new Set<unknown>();
      for (const { key } of items) {
        const name = isScalar(key) ? key.value : key;
        if (seen.has(name)) {
          const offset = isScalar(key) ? (key.range?.[0] ?? 0) : 0;
          found = { offset, message: `the key ${JSON.stringify(name)} occurs twice` };
          return visit.BREAK;
        }
        seen.add(name);
      }
      return undefined;
    },
  });
  return found;
}
