import type { Screen } from './screen.js';
import { wrap } from './wrap.js';

/** The fewest columns for an explanation beside its term. With less room it stands below. */
const NARROWEST = 24;
/** The width if no terminal tells one. */
const USUAL = 80;
/** Two or more spaces separate a term from its explanation: `  --json    one JSON document`. */
const ITEM = /^( *)(\S.*?)( {2,})(\S.*)$/;

/** Where the parser of the command line prints. */
export interface HelpWriter {
  writeOut(text: string): void;
  writeErr(text: string): void;
}

export function helpOn(out: Screen, err: Screen): HelpWriter {
  return {
    writeOut: (text) => out.block(layOutHelp(text, out.columns)),
    // Our own format prints the error itself.
    writeErr(text) {
      if (!text.startsWith('error:')) err.block(layOutHelp(text, err.columns));
    },
  };
}

/** Lays help out for a terminal of this width (Infinity: a pipe). No line is longer; no word is broken. */
export function layOutHelp(text: string, columns: number): string {
  const width = Number.isFinite(columns) ? columns : USUAL;
  return text
    .split('\n')
    .map((line) => layOutLine(line, width))
    .join('\n');
}

function layOutLine(line: string, width: number): string {
  const item = ITEM.exec(line);
  if (item === null) return wrap(line, width, 0);
  const [, begin = '', term = '', gap = '', said = ''] = item;
  const hang = begin.length + term.length + gap.length;
  if (width - hang >= NARROWEST) return `${begin}${term}${gap}${hung(said, width - hang, hang)}`;
  const below = begin.length + 4;
  return `${wrap(`${begin}${term}`, width, 4)}\n${' '.repeat(below)}${hung(said, width - below, below)}`;
}

function hung(text: string, width: number, indent: number): string {
  return wrap(text, width, 0).replaceAll('\n', `\n${' '.repeat(indent)}`);
}
