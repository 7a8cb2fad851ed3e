import { readFileSync } from 'node:fs';

/** Milliseconds between checks. */
const POLL_MS = 500;

/**
 * Stops a command started by npm (`npx cryfold ...` or a package script) with SIGTERM when npm or its shell is gone.
 * npm passes signals only to its shell, so killing npx would leave the command running. A command that was not started
 * by npm may outlive its parent, for example if it was started with nohup.
 */
export function endWithNpm(environment: NodeJS.ProcessEnv = process.env): void {
  // Child processes inherit the variable, but they exit with the command anyway.
  if (process.connected || !/^['"]?(\S*\/)?cryfold['"]?(\s|$)/.test(environment.npm_lifecycle_script ?? '')) return;
  const shell = process.ppid;
  const npm = parentOf(shell);
  const timer = setInterval(() => {
    if (process.ppid === shell && parentOf(shell) === npm) return;
    clearInterval(timer);
    process.kill(process.pid, 'SIGTERM');
  }, POLL_MS).unref();
}

/** Undefined if the system has no /proc or the process has just exited. */
function parentOf(pid: number): string | undefined {
  try {
    // The name of the process, in parentheses, may contain spaces.
    return readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ')[1];
  } catch {
    return undefined;
  }
}
