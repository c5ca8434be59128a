import type { TextStream } from '../streams.js';
import { printed } from './paint.js';

/** The only way onto a stream that people read. It lets no raw text from outside through. */
export class Screen {
  /** @param piped the width if the stream is not a terminal */
  constructor(
    private readonly stream: TextStream,
    private readonly piped = Number.POSITIVE_INFINITY,
  ) {}

  get isTerminal(): boolean {
    return this.stream.isTTY === true;
  }

  /** Width of the terminal (80 if it says 0). A pipe's is Infinity unless COLUMNS says otherwise: no line is broken. */
  get columns(): number {
    return this.isTerminal ? this.stream.columns || 80 : this.piped;
  }

  /** Each text becomes one line, even with line breaks in it. */
  lines(lines: readonly string[]): void {
    this.stream.write(lines.map((line) => `${printed(line)}\n`).join(''));
  }

  /** Lines that are laid out already. The layout has escaped text from outside. */
  block(text: string): void {
    this.lines(text.replace(/\n$/, '').split('\n'));
  }

  /** Removes the last rows. */
  takeBack(rows: number): void {
    this.stream.write(`\u001b[${rows}A\u001b[0J`);
  }
}

/** COLUMNS: `watch` and scripts set it to tell programs how wide their pipe is. */
export function askedWidth(columns: string | undefined): number {
  return /^[1-9]\d{0,4}$/.test(columns ?? '') ? Number(columns) : Number.POSITIVE_INFINITY;
}
