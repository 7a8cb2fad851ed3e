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
 * `cryfold gc`: finds objects that no run or model refers to, and deletes them if `--delete` is given. Objects younger
 * than `olderThanHours` never count as garbage. While the record of any run or model is unreadable, no object at all
 * counts as garbage.
 */
export async function gcCommand(options: GcOptions, config: Config): Promise<number> {
  if (config.target.kind === 'server') {
    throw new CryfoldError('USAGE', 'cryfold gc: cannot delete through a server', {
      hint: 'Run the command with direct access to the store: set CRYFOLD_STORE and the credentials of the store.',
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
    const verb = options.delete ? 'deleted' : 'can be deleted with --delete';
    say(`${counted(garbage.length, 'object')}, ${(bytes / 2 ** 20).toFixed(1)} MiB ${verb}`);
    say(young > 0 ? `; ${counted(young, 'object')} younger than ${options.olderThanHours} h kept\n` : '\n');
    return EXIT.done;
  });
}

/**
 * An unreadable record may refer to any object, so no object counts as garbage until the record is repaired or removed.
 */
function refuse(unreadable: readonly string[], json: boolean): number {
  if (json) say(`${jsonText({ deleted: false, objects: 0, bytes: 0, unreadable })}\n`);
  else {
    for (const message of unreadable) say(`damaged  ${message}\n`);
    say(
      'nothing was deleted, because unreadable records may refer to any object. Restore them from a backup, or remove the run or version.\n',
    );
  }
  return EXIT.failed;
}
