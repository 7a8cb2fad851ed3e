// Prints the processes and temporary files that tests have left behind, by test file. Then kills the processes and
// deletes the files. The last line of the output is the number of these leftovers. A process belongs to the tests if
// its environment contains CRYFOLD_TEST_RUN, or if the folder of temporary files is in its arguments or its working
// directory (Redis overwrites its environment with its title). This requires /proc, so processes are only found on
// Linux.
//
// usage: node test/dist/src/runner/leftovers.js FOLDER     the TMPDIR of the tests, which is also the value of CRYFOLD_TEST_RUN
import { existsSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const [folder] = process.argv.slice(2);

/** How long processes may take to exit by themselves after the last test, in milliseconds. */
const GRACE = 5000;

function words(pid: string, file: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8').split('\0').filter(Boolean);
  } catch {
    // The process has exited, or belongs to another user.
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
      // The process has exited in the meantime.
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
