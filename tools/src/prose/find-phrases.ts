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

/**
 * Replaces all characters, except line breaks, with a character that no rule matches. Positions in the text stay the
 * same.
 */
const blank = (text: string) => text.replace(/[^\n]/g, '\0');

/** Blanks out names in backticks, since they are code, and comment markers, which may occur inside a phrase. */
function ofComment(text: string): string {
  return text.replace(/^\s*(\/\*\*?|\*\/|\*|\/\/|#)/gm, (mark) => ' '.repeat(mark.length)).replace(/`[^`\n]*`/g, blank);
}

/** Keeps only comments, and string literals of several words, since single words are keys or names. */
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
 * @param path determines what is searched: in scripts, only comments and strings; in all other files, the whole text
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
