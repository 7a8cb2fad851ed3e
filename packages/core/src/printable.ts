// biome-ignore lint/suspicious/noControlCharactersInRegex: the expression searches for control characters
const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

/**
 * Makes text from data safe to show on one line. File names and class names may contain terminal commands, line breaks
 * or characters that reverse the direction of text; each such character is replaced by U+FFFD.
 */
export function printable(text: string): string {
  return text.replace(CONTROLS, '\ufffd');
}

/**
 * Makes JSON text safe to show: escapes the characters that `printable` replaces, so that the text still parses to the
 * same value. Line breaks and tabs stay, because JSON contains them only between values.
 */
export function escapeControls(json: string): string {
  return json.replace(CONTROLS, (character) =>
    '\n\r\t'.includes(character) ? character : `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
