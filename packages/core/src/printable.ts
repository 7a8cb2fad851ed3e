// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

/**
 * Text from data, safe to show on one line: names of files and classes may hold commands for the terminal, line ends, or
 * characters that reverse the order of what follows. Each is shown as U+FFFD.
 */
export function printable(text: string): string {
  return text.replace(CONTROLS, '\ufffd');
}

/**
 * JSON text in which those characters are escaped, so that it can be shown and still reads back as the same value. Line
 * ends and tabs stay: they can only stand between values.
 */
export function escapeControls(json: string): string {
  return json.replace(CONTROLS, (character) =>
    '\n\r\t'.includes(character) ? character : `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
