import { EXIT, OUTPUT_CLOSED } from './exit-codes.js';

/**
 * Makes output that cannot be written end the command in plain words. A reader that closed the pipe (`| head -1`) wants
 * no more: the command ends silently, with the code that a shell reports for SIGPIPE. Where standard error cannot be
 * written, nobody can be told, and the work is worth more than its progress.
 */
export function guardOutput(): void {
  process.stderr.on('error', () => {});
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(OUTPUT_CLOSED);
    const reason = error.code === 'ENOSPC' ? 'no space is left on the device' : error.message;
    process.stderr.write(`cryfold: OUT_UNWRITABLE: standard output cannot be written: ${reason}\n`);
    process.stderr.write('  Free some space there, or send the output elsewhere.\n');
    process.exit(EXIT.usage);
  });
}

/** Waits until what was written is written, or has failed and ended the command. */
export async function outputWritten(): Promise<void> {
  await new Promise((resolve) => process.stdout.write('', resolve));
  // Errors are events of the next turn.
  await new Promise(setImmediate);
}
