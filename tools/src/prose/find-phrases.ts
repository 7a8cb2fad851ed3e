import jsTokens from 'js-tokens';
import { PROSE_RULES } from './rules.js';

/** A phrase that must be replaced. */
export interface ProseFault {
  /** From 1 */
  readonly line: number;
  readonly phrase: string;
  readonly instead: string;
}

const PROSE_TOKENS = new Set([
  'StringLiteral',
  'NoSubstitutionTemplate',
  'TemplateHead',
  'TemplateMiddle',
  'TemplateTail',
]);
const COMMENT_TOKENS = new Set(['MultiLineComment', 'SingleLineComment']);

/** Replaces every character except line breaks by one that no rule matches, so that positions stay the same. */
const blank = (text: string) => text.replace(/[^\n]/g, '\0');

/** Names in backticks are code, and comment markers may occur inside a phrase. */
function ofComment(text: string): string {
  return text.replace(/^\s*(\/\*\*?|\*\/|\*|\/\/|#)/gm, (mark) => ' '.repeat(mark.length)).replace(/`[^`\n]*`/g, blank);
}

/** Comments, and string literals of several words. A single word is a key or a name. */
function proseOfScript(text: string): string {
  let prose = '';
  for (const { type, value } of jsTokens(text)) {
    if (COMMENT_TOKENS.has(type)) prose += ofComment(value);
    else if (type === 'WhiteSpace' || type === 'LineTerminatorSequence') prose += value;
    else prose += PROSE_TOKENS.has(type) && /\S\s+\S/.test(value) ? value : blank(value);
  }
  return prose;
}

/**
 * Finds phrases that must not occur in text that people read.
 * @param path decides how the text is read: only comments and strings of scripts, but all of any other file
 */
export function findPhrases(path: string, text: string): ProseFault[] {
  const prose = /\.(ts|mjs|js)$/.test(path) ? proseOfScript(text) : ofComment(text);
  const faults = PROSE_RULES.flatMap(({ pattern, instead }) =>
    [...prose.matchAll(pattern)].map(({ index, 0: phrase }) => ({
      line: prose.slice(0, index).split('\n').length,
      phrase: phrase.replace(/\s+/g, ' '),
      instead,
    })),
  );
  return faults.sort((a, b) => a.line - b.line);
}
