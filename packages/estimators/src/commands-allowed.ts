import { CryfoldError } from '@cryfold/core';
import { kindOf } from './registry.js';

/**
 * Checks whether programs from a spec or model may be run.
 * @param where the process that would run them, such as `this worker`
 * @param hint how to allow it
 * @throws CryfoldError COMMANDS_NOT_ALLOWED
 */
export function checkCommandsAllowed(
  estimators: readonly { kind: string }[],
  allowed: boolean,
  { where, hint }: { where: string; hint: string },
): void {
  const program = estimators.find((estimator) => kindOf(estimator).runsCommands);
  if (!program || allowed) return;
  throw new CryfoldError('COMMANDS_NOT_ALLOWED', `${where} does not run programs from specs or models`, {
    context: { kind: program.kind },
    hint,
  });
}
