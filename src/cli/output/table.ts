import { printable, type Screen } from './paint.js';
import { widthOf, wrap } from './wrap.js';

/** The last column is wrapped into the rest of the terminal. Narrower than this it is not worth reading. */
const NARROWEST = 22;

/**
 * Lays out columns, each as wide as its cells, two spaces apart. Colours take no room.
 * To fit, the last column is broken at spaces; if that is not enough, a row becomes several lines. In a pipe nothing is
 * broken.
 */
export function renderTable(header: readonly string[], given: readonly (readonly string[])[], screen: Screen): string {
  const { color, columns } = screen;
  const rows = given.map((cells) => cells.map(printable));
  if (!fitsInto(columns, header, rows)) return rows.map((cells) => stacked(header, cells, screen)).join('\n');
  const widths = columnWidths(header, rows);
  const before = widths.slice(0, -1).reduce((sum, width) => sum + width + 2, 0);
  const left = Math.max(NARROWEST, columns - before);
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, i) => `${cell}${' '.repeat((widths[i] ?? 0) - widthOf(cell))}`)
      .join('  ')
      .trimEnd();
  const lines = (cells: readonly string[]) => {
    const [first = '', ...more] = wrap(cells.at(-1) ?? '', left, 0).split('\n');
    const rest = more.map((text) => `${' '.repeat(before)}${text}`);
    return [line([...cells.slice(0, -1), first]), ...rest].join('\n');
  };
  return [color.dim(line(header)), ...rows.map(columns === Number.POSITIVE_INFINITY ? line : lines)].join('\n');
}

/** A row if there is no room for a table: its first cell, and below it the others, each with its title. */
function stacked(header: readonly string[], [first = '', ...cells]: readonly string[], { color, columns }: Screen) {
  const [, ...titles] = header;
  const width = Math.max(...titles.map((title) => title.length));
  const lines = cells.flatMap((cell, i) => {
    if (cell === '') return [];
    const title = color.dim((titles[i] ?? '').padEnd(width));
    return wrap(`  ${title}  ${cell}`, columns, width + 2);
  });
  return [wrap(first, columns), ...lines].join('\n');
}

/** Whether a table of these rows fits with its last column wrapped. */
export function fitsInto(columns: number, header: readonly string[], rows: readonly (readonly string[])[]): boolean {
  const widths = columnWidths(header, rows);
  const before = widths.slice(0, -1).reduce((sum, width) => sum + width + 2, 0);
  return before + Math.min(NARROWEST, widths.at(-1) ?? 0) <= columns;
}

function columnWidths(header: readonly string[], rows: readonly (readonly string[])[]): number[] {
  return header.map((title, i) => Math.max(title.length, ...rows.map((row) => widthOf(printable(row[i] ?? '')))));
}
