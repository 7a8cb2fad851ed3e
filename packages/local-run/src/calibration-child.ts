import { type CalibrationOptions, type CalibrationTask, calibrate } from '@cryfold/estimators';

/** Request to this process, passed as JSON in the first argument. */
export interface CalibrationRequest extends Pick<CalibrationOptions, 'settings' | 'budgetMs'> {
  tasks: CalibrationTask[];
}

/** Message that reports a new or improved measurement to the parent. */
export interface CalibrationReport {
  name: string;
  secondsPerUnit: number;
}

// Training blocks the event loop, so the parent kills this process when the time is up. This process also exits when
// its parent does.
process.on('disconnect', () => process.exit(0));
const { tasks, ...options }: CalibrationRequest = JSON.parse(process.argv[2]);
await calibrate(tasks, {
  ...options,
  measured: (name, secondsPerUnit) => process.send?.({ name, secondsPerUnit } satisfies CalibrationReport),
});
process.disconnect?.();
