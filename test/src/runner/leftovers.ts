// Prints the processes and temporary files that the tests of scripts/test left, by test file, then ends and removes them.
// The last line is their number. Processes are known by CRYFOLD_TEST_RUN in their environment, or by the folder of
// temporary files in their arguments or as their working directory (Redis writes its title over its environment). That
// needs /proc, so only Linux finds them.
//
// usage: node test/dist/src/runner/leftovers.js FOLDER     the TMPDIR of the tests, which is also the value of CRYFOLD_TEST_RUN
import { existsSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const [folder] = process.argv.slice(2);

/** Milliseconds that processes have to end by themselves after the last test. */
const GRACE = 5000;

function words(pid: string, file: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8').split('\0').filter(Boolean);
  } catch {
    // It has ended, or belongs to another user.
    return [];
  }
}

function workingDirectory(pid: string): string {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return '';
  }
}

function processes(): { pid: number; file: string; command: string }[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((pid) => {
      const environment = words(pid, 'environ');
      const command = words(pid, 'cmdline').join(' ');
      const places = `${command} ${workingDirectory(pid)}`;
      if (!environment.includes(`CRYFOLD_TEST_RUN=${folder}`) && !places.includes(folder)) return [];
      const named = environment.find((word) => word.startsWith('CRYFOLD_TEST_FILE='))?.split('=')[1];
      const file = named ?? places.split(`${folder}/`)[1]?.split('/')[0] ?? 'an unknown file';
      return [{ pid: Number(pid), file, command }];
    });
}

const left: string[] = [];
if (existsSync('/proc/self/environ')) {
  const end = Date.now() + GRACE;
  while (processes().length > 0 && Date.now() < end) await sleep(200);
  for (const { pid, file, command } of processes()) {
    left.push(`${file}: process ${pid}: ${command.slice(0, 300)}`);
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended meanwhile.
    }
  }
} else {
  console.log('test: this system has no /proc, so only temporary files are checked, not processes');
}
for (const file of readdirSync(folder)) {
  const inside = readdirSync(join(folder, file));
  for (const name of inside) left.push(`${file}: temporary file: ${join(folder, file, name)}`);
}
rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
for (const line of left) console.log(`test: left behind by ${line}`);
console.log(left.length);
