import { randomInt } from 'node:crypto';
import { escapeOutside } from '../../keyset/basics/outside-text.js';

/** The colours that we use. */
export interface Palette {
  /** 0: no colours. */
  readonly level: number;
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly red: (text: string) => string;
  readonly green: (text: string) => string;
  readonly yellow: (text: string) => string;
  readonly cyan: (text: string) => string;
}

/** What a table is laid out for: `Output` is one. */
export interface Screen {
  readonly color: Palette;
  /** Of the terminal; Infinity for a pipe. */
  readonly columns: number;
}

/*
 * Every text is escaped when it is printed, so nobody can forget to do it. Our own colours carry a number that no
 * outsider knows: a colour is `ESC [ 31 ; NUMBER m` until it is written. NUMBER has parameters of four digits, so that
 * code which counts columns recognises it as an escape code.
 */
const NUMBER = Array.from({ length: 4 }, () => randomInt(1_000, 10_000)).join(';');
const OURS = new RegExp(`(\\u001b\\[\\d{1,2};${NUMBER}m)`);

/** ECMA-48, SGR: the codes that switch a colour on and off. */
const CODES = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  cyan: [36, 39],
} as const;

export function palette(isColored: boolean): Palette {
  const code = (number: number) => `\u001b[${number};${NUMBER}m`;
  const paint = (name: keyof typeof CODES) => {
    const [on, off] = CODES[name];
    return (text: string) => (isColored ? `${code(on)}${text}${code(off)}` : text);
  };
  return {
    level: isColored ? 1 : 0,
    bold: paint('bold'),
    dim: paint('dim'),
    red: paint('red'),
    green: paint('green'),
    yellow: paint('yellow'),
    cyan: paint('cyan'),
  };
}

/** One line in which only our own colours are raw. Doing it twice changes nothing. */
export function printable(text: string): string {
  return text
    .split(OURS)
    .map((part, i) => (i % 2 === 1 ? part : escapeOutside(part)))
    .join('');
}

/** The line as it is written, with colours that terminals know. */
export function printed(text: string): string {
  return printable(text).replaceAll(`;${NUMBER}m`, 'm');
}
