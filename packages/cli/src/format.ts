/** Formats a number of seconds, rounded to whole seconds; for example, 75 becomes `1 min 15 s`. */
export function formatSeconds(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

/** Formats rows as lines with left-aligned columns. */
export function leftColumns(rows: readonly (readonly string[])[]): string[] {
  const width = (text: string) => [...text].length;
  const widths = (rows[0] ?? []).map((_, c) => Math.max(...rows.map((row) => width(row[c]))));
  return rows.map((row) =>
    row
      .map((cell, c) => cell + ' '.repeat(widths[c] - width(cell)))
      .join('  ')
      .trimEnd(),
  );
}

/** `grouped 1x5`: the name of the protocol, or else its splitter, with repeats and folds per repeat. */
export function protocolText(protocol: {
  name?: string | null | undefined;
  splitter: string;
  repeats: number;
  folds: number;
}): string {
  return `${protocol.name ?? protocol.splitter} ${protocol.repeats}x${protocol.folds}`;
}
