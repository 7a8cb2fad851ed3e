import { type CalibrationOptions, type CalibrationTask, calibrate } from '@cryfold/estimators';

/** Request to this process, which is passed as JSON in its first argument. */
export interface CalibrationRequest extends Pick<CalibrationOptions, 'settings' | 'budgetMs'> {
  tasks: CalibrationTask[];
}

/** Sent with each improved measurement. */
export interface CalibrationReport {
  name: string;
  secondsPerUnit: number;
}

// Training blocks the event loop, so the parent kills this process when the time is up. This process also ends with its
// parent.
process.on('disconnect', () => process.exit(0));
const { tasks, ...options }: CalibrationRequest = JSON.parse(process.argv[2]);
await calibrate(tasks, {
  ...options,
  measured: (name, secondsPerUnit) => process.send?.({ name, secondsPerUnit } satisfies CalibrationReport),
});
process.disconnect?.();
