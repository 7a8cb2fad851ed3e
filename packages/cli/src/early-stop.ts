/**
 * Handles stop signals until the command installs its own handlers. Loaded before slower modules, because process 1 of
 * a container ignores every signal that has no handler.
 * @param service whether the command is a service. A service that has not started yet has no work to return to the
 * queue, so it exits with code 0
 */
export function stopEarly(service: boolean): void {
  // Processes that are neither services nor process 1 can rely on the default action for signals.
  if (!service && process.pid !== 1) return;
  // A terminal sends these signals to both a local run and its services. The run decides when to stop its services.
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
