/**
 * Ends a process that is asked to stop before its command listens. Loaded before anything that takes time to load:
 * process 1 of a container ignores every signal that it has no handler for. Once a command listens for a signal itself,
 * that signal is the command's.
 * @param service a service that has not started has nothing to give back, and ends with code 0
 */
export function stopEarly(service: boolean): void {
  // With no handler, the system ends every other process as it should.
  if (!service && process.pid !== 1) return;
  // A terminal sends these to a local run and its services alike, and the run decides.
  const local = service && process.env.CRYFOLD_LOCAL !== undefined;
  for (const [signal, number] of [
    ['SIGHUP', 1],
    ['SIGINT', 2],
    ['SIGTERM', 15],
  ] as const) {
    process.on(signal, () => {
      if (process.listenerCount(signal) > 1 || (local && signal !== 'SIGTERM')) return;
      process.exit(service ? 0 : 128 + number);
    });
  }
  process.on('disconnect', () => process.listenerCount('disconnect') > 1 || process.exit(0));
  if (service && typeof process.send === 'function' && !process.connected) process.exit(0);
}
