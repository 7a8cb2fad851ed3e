import type { GroupSource } from '@cryfold/core';
import type { Property } from './audit-record.js';

/** A recording to audit. */
export interface AuditedRecording {
  label: string;
  group: string;
  clips: number;
  format: string;
  /** Hz */
  rate: number;
  /** Bits per stored sample; absent for lossy codecs */
  bits?: number;
  channels: number;
  seconds: number;
  /** RMS level, dBFS */
  level: number;
  /** Hz */
  bandwidth: number;
  /** Shares of silent frames and of clipped samples, 0 to 1 */
  silence: number;
  clipping: number;
}

export interface AuditInput {
  recordings: readonly AuditedRecording[];
  /** Sorted */
  classes: readonly string[];
  groupSource: GroupSource;
  /** For each sound: the labels and groups of the clips that contain it */
  sounds: readonly (readonly { label: string; group: string }[])[];
}

/** Returns the value of a property. For `bits`, returns 0 if the recording has a lossy codec. */
export function propertyOf(one: AuditedRecording, property: Property): string | number {
  return property === 'bits' ? (one.bits ?? 0) : one[property];
}
