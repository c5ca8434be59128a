import { stripVTControlCharacters } from 'node:util';
import type { ChalkInstance } from 'chalk';

/** Columns of their own width, two spaces apart; colours take no room. */
export function renderTable(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  color: ChalkInstance,
): string {
  // Without colours there is nothing to strip, and the first use of it costs a millisecond.
  const width = (text: string) => (color.level === 0 ? text : stripVTControlCharacters(text)).length;
  const widths = header.map((title, i) => Math.max(title.length, ...rows.map((row) => width(row[i] ?? ''))));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, i) => `${cell}${' '.repeat((widths[i] ?? 0) - width(cell))}`)
      .join('  ')
      .trimEnd();
  return [color.dim(line(header)), ...rows.map(line)].join('\n');
}
