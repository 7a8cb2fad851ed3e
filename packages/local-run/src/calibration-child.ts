import { type CalibrationOptions, type CalibrationTask, calibrate } from '@cryfold/estimators';

/** What the process is asked, as JSON in its first argument. */
export interface CalibrationRequest extends Pick<CalibrationOptions, 'settings' | 'budgetMs'> {
  tasks: CalibrationTask[];
}

/** What it sends each time that it knows better. */
export interface CalibrationReport {
  name: string;
  secondsPerUnit: number;
}

// Training blocks the event loop, so the parent ends this process when the time is over; and this one ends with it.
process.on('disconnect', () => process.exit(0));
const { tasks, ...options }: CalibrationRequest = JSON.parse(process.argv[2]);
await calibrate(tasks, {
  ...options,
  measured: (name, secondsPerUnit) => process.send?.({ name, secondsPerUnit } satisfies CalibrationReport),
});
process.disconnect?.();
