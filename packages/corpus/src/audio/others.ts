import { type AudioFormat, startsWith } from './audio-format.js';
import { openWithFfmpeg } from './ffmpeg.js';

/** Defines a format that is read with `ffmpeg`, because no suitable package exists for it. */
function byFfmpeg(format: Omit<AudioFormat, 'open'> & { demuxer: string }): AudioFormat {
  const { demuxer, ...known } = format;
  return { ...known, open: (reader, name) => openWithFfmpeg(reader, name, { what: format.name, demuxer }) };
}

/** ISO base media files, which phones record. */
export const mp4 = byFfmpeg({
  name: 'MP4',
  endings: ['m4a', 'mp4', 'm4b', '3gp', '3g2', '3gpp'],
  sniff: (head) => startsWith(head, 'ftyp', 4),
  demuxer: 'mov',
});

/** WebM and Matroska, which browsers record. */
export const webm = byFfmpeg({
  name: 'WebM',
  endings: ['webm', 'weba', 'mka'],
  sniff: (head) => startsWith(head, '\x1a\x45\xdf\xa3'),
  demuxer: 'matroska',
});

export const aac = byFfmpeg({
  name: 'AAC',
  endings: ['aac'],
  sniff: (head) => head[0] === 0xff && (head[1] & 0xf6) === 0xf0,
  demuxer: 'aac',
});

export const amr = byFfmpeg({
  name: 'AMR',
  endings: ['amr', 'awb'],
  sniff: (head) => startsWith(head, '#!AMR'),
  demuxer: 'amr',
});

export const wma = byFfmpeg({
  name: 'WMA',
  endings: ['wma', 'asf'],
  sniff: (head) => startsWith(head, '\x30\x26\xb2\x75\x8e\x66\xcf\x11'),
  demuxer: 'asf',
});
