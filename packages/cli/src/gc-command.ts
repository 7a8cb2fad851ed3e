import { CryfoldError, counted } from '@cryfold/core';
import type { Config } from '@cryfold/runtime';
import { deleteGarbage, findGarbage } from '@cryfold/store';
import { type ControlOptions, withControl } from './control.js';
import { EXIT } from './exit-codes.js';
import { jsonText, say } from './terminal.js';

export interface GcOptions extends ControlOptions {
  delete: boolean;
  olderThanHours: number;
}

/**
 * `cryfold gc`: finds what no run and no model refers to, and deletes it when asked. Nothing younger than
 * `olderThanHours` is garbage, and nothing at all while a run or a model has a record that cannot be read.
 */
export async function gcCommand(options: GcOptions, config: Config): Promise<number> {
  if (config.target.kind === 'server') {
    throw new CryfoldError('USAGE', 'cryfold gc: nothing can be deleted through a server', {
      hint: 'Run it where CRYFOLD_STORE and its credentials are.',
    });
  }
  return withControl(config, async ({ store }) => {
    const found = await findGarbage(store, Date.now() - options.olderThanHours * 3_600_000);
    const { objects: garbage, young, unreadable } = found;
    if (unreadable.length > 0) return refuse(unreadable, options.json);
    if (options.delete) await deleteGarbage(store, found);
    const bytes = garbage.reduce((sum, one) => sum + one.bytes, 0);
    if (options.json) {
      say(`${jsonText({ deleted: options.delete, objects: garbage.length, bytes, young, garbage })}\n`);
      return EXIT.done;
    }
    for (const one of garbage) say(`${options.delete ? 'deleted' : 'garbage'}  ${one.key}\n`);
    const verb = options.delete ? 'deleted' : 'could be deleted (--delete does it)';
    say(`${counted(garbage.length, 'object')}, ${(bytes / 2 ** 20).toFixed(1)} MiB ${verb}`);
    say(young > 0 ? `; ${young} younger than ${options.olderThanHours} h stay\n` : '\n');
    return EXIT.done;
  });
}

/** What cannot be read may refer to anything: nothing is garbage until it is repaired or removed. */
function refuse(unreadable: readonly string[], json: boolean): number {
  if (json) say(`${jsonText({ deleted: false, objects: 0, bytes: 0, unreadable })}\n`);
  else {
    for (const message of unreadable) say(`damaged  ${message}\n`);
    say(
      'nothing is deleted: what these records refer to is unknown. Restore them from a backup, or remove the run or version.\n',
    );
  }
  return EXIT.failed;
}
