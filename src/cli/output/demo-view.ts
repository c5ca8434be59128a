import { sumsText } from '../../demo/picture.js';
import {
  doing,
  type Happening,
  nameOf,
  SLICE,
  type Slice,
  type Sums,
  secondsOf,
  type Timeline,
} from '../../demo/timeline.js';
import type { Duration } from '../../keyset/basics/clock.js';
import type { TextStream } from '../streams.js';
import { type Palette, printable } from './paint.js';
import { Screen } from './screen.js';
import { clip } from './wrap.js';

const CELL = { signs: '█', accepted: '░', nothing: ' ' } as const;
/** Room for the names of the keys, and for what a terminal may do in its last column. */
const MARGIN = 8;
const MOST_CELLS = 70;

/** The demonstration on a terminal: a row for each key that grows with the time, and the sums below. */
export class DemoView {
  readonly #screen: Screen;
  #drawn = 0;

  constructor(
    stream: TextStream,
    private readonly color: Palette,
    private readonly length: Duration,
  ) {
    this.#screen = new Screen(stream);
  }

  /** Removes the moving lines, so that others can be printed. */
  clear(): void {
    if (this.#drawn > 0) this.#screen.takeBack(this.#drawn);
    this.#drawn = 0;
  }

  draw({ kids, slices }: Timeline, sums: Sums): void {
    const cells = Math.max(10, Math.min(MOST_CELLS, this.#screen.columns - MARGIN));
    const rows = kids.map((kid) => {
      const name = nameOf(kids, kid).padStart(4);
      return `${name}  ${this.#cells(slices, kid, cells)}`;
    });
    const legend = `      ${this.color.cyan(CELL.signs)} signs   ${this.color.cyan(CELL.accepted)} accepted by every verifier`;
    const rejected = sums.rejected === 0 ? this.color.green : this.color.red;
    const sum = `      ${secondsOf(slices.length * SLICE)}   ${rejected(sumsText(sums))}`;
    this.clear();
    // Each takes one row, however narrow the terminal is.
    const width = Math.max(20, this.#screen.columns - 1);
    const lines = ['', ...rows, '', legend, sum].map((line) => clip(printable(line), width));
    this.#screen.lines(lines);
    this.#drawn = lines.length;
  }

  #cells(slices: readonly Slice[], kid: string, cells: number): string {
    // A busy machine, or few seconds: the story takes longer.
    const perCell = Math.max(this.length / SLICE, slices.length) / cells;
    const one = (i: number) => {
      const part = slices.slice(
        Math.floor(i * perCell),
        Math.max(Math.floor(i * perCell) + 1, Math.floor((i + 1) * perCell)),
      );
      if (part.some((slice) => doing(slice, kid) === 'signs')) return CELL.signs;
      return part.some((slice) => doing(slice, kid) === 'accepted') ? CELL.accepted : CELL.nothing;
    };
    return this.color.cyan(
      Array.from({ length: cells }, (_, i) => one(i))
        .join('')
        .trimEnd(),
    );
  }
}

/** `  4.2 s  $ jwtrot rotate --immediate`. */
export function happeningText({ at, type, text }: Happening, color: Palette): string {
  const line =
    type === 'command' ? color.bold(`$ ${text}`) : type === 'trouble' ? color.yellow(`! ${text}`) : `  ${text}`;
  return `${secondsOf(at)}  ${line}`;
}
