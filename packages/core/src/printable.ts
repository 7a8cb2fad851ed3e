// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

/**
 * Text from data, safe to show on one line: names of files and classes may hold commands for the terminal, line ends, or
 * characters that reverse the order of what follows. Each is shown as U+FFFD.
 */
export function printable(text: string): string {
  return text.replace(CONTROLS, '\ufffd');
}
