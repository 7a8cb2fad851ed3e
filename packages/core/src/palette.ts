/**
 * Number of levels of the colour scale. Level 0 stands for anything below -120 dB, and level 250 for anything at or
 * above full scale.
 */
export const PALETTE_SIZE = 251;

function red(x: number): number {
  if (x < 0.13) return 0;
  return x < 0.73 ? Math.sin(((x - 0.13) / 0.6) * (Math.PI / 2)) : 1;
}

function green(x: number): number {
  if (x < 0.6) return 0;
  return x < 0.91 ? Math.sin(((x - 0.6) / 0.31) * (Math.PI / 2)) : 1;
}

function blue(x: number): number {
  if (x < 0.6) return 0.5 * Math.sin((x / 0.6) * Math.PI);
  return x < 0.78 ? 0 : (x - 0.78) / 0.22;
}

/**
 * SoX's default spectrogram colours, from black through purple, red and yellow to white: PALETTE_SIZE x RGB. All 753
 * bytes equal the palette chunk of PNG files written by sox 14.4.2.
 */
export const PALETTE: Uint8Array = Uint8Array.from({ length: PALETTE_SIZE * 3 }, (_, i) => {
  const x = Math.floor(i / 3) / (PALETTE_SIZE - 1);
  return Math.floor(0.5 + 255 * [red, green, blue][i % 3](x));
});

/** The monochrome palette, from black to white. */
export const MONOCHROME: Uint8Array = Uint8Array.from({ length: PALETTE_SIZE * 3 }, (_, i) =>
  Math.floor(0.5 + (255 * Math.floor(i / 3)) / (PALETTE_SIZE - 1)),
);
