import { readFileSync } from 'node:fs';

/** Milliseconds between two looks. */
const LOOK_MS = 500;

/**
 * Ends a command that npm runs (`npx cryfold ...`, or a script of a package) by SIGTERM when npm or its shell is gone. npm
 * passes a signal to its shell only, so that `kill` of npx would leave the command running. A command that something else
 * started may outlive it, as with nohup.
 */
export function endWithNpm(environment: NodeJS.ProcessEnv = process.env): void {
  // What a command forks inherits the variable, and ends with the command.
  if (process.connected || !/^['"]?(\S*\/)?cryfold['"]?(\s|$)/.test(environment.npm_lifecycle_script ?? '')) return;
  const shell = process.ppid;
  const npm = parentOf(shell);
  const timer = setInterval(() => {
    if (process.ppid === shell && parentOf(shell) === npm) return;
    clearInterval(timer);
    process.kill(process.pid, 'SIGTERM');
  }, LOOK_MS).unref();
}

/** Undefined where the system has no /proc, or the process has just ended. */
function parentOf(pid: number): string | undefined {
  try {
    // The name, in parentheses, may hold spaces.
    return readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ')[1];
  } catch {
    return undefined;
  }
}
