/**
 * Reads an integer from the command line. Exits with code 2 if it is missing or out of range.
 * @param name name of the option, without dashes
 */
export function wholeOption(name: string, value: string, { least = 1, most = Number.MAX_SAFE_INTEGER } = {}): number {
  const number = Number(value);
  if (value.trim() !== '' && Number.isSafeInteger(number) && number >= least && number <= most) return number;
  const range = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`;
  process.stderr.write(`--${name}: ${JSON.stringify(value)} is not a whole number ${range}\n`);
  process.exit(2);
}
