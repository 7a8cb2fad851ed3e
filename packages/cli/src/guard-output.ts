import { EXIT, OUTPUT_CLOSED } from './exit-codes.js';

/**
 * Makes the command exit with a clear message if standard output cannot be written. If the reader closed the pipe (`|
 * head -1`), the command exits silently with the code that a shell reports after SIGPIPE. Ignores errors on standard
 * error: there is nowhere to report them, and the work matters more than its progress messages.
 */
export function guardOutput(): void {
  process.stderr.on('error', () => {});
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(OUTPUT_CLOSED);
    const reason = error.code === 'ENOSPC' ? 'no space is left on the device' : error.message;
    process.stderr.write(`cryfold: OUT_UNWRITABLE: cannot write to standard output: ${reason}\n`);
    process.stderr.write('  Free some space, or redirect the output elsewhere.\n');
    process.exit(EXIT.usage);
  });
}

/** Waits until all output is written, or until writing has failed and the command exits. */
export async function outputWritten(): Promise<void> {
  await new Promise((resolve) => process.stdout.write('', resolve));
  // Errors are emitted in the next turn of the event loop.
  await new Promise(setImmediate);
}
