import { stripVTControlCharacters } from 'node:util';
import { printable } from './paint.js';

// biome-ignore lint/suspicious/noControlCharactersInRegex: it searches for SGR sequences
const ESCAPE = /(\u001b\[[0-9;]*m)/;

/** How many columns a text takes. Colours take none. */
export function widthOf(text: string): number {
  return text.includes('\u001b') ? stripVTControlCharacters(text).length : text.length;
}

/**
 * Breaks a line at spaces, so that no line is longer than `columns`, and indents what follows a break. A longer word (a
 * kid, a path) stays whole on its own line, indented less if that makes it fit. Spaces at the beginning stay.
 * Unprintable characters are escaped first, so a line break in the text does not make a new line.
 */
export function wrap(text: string, columns: number, indent = 2): string {
  const line = printable(text);
  return widthOf(line) <= columns ? line : wrapLine(line, columns, indent);
}

function wrapLine(line: string, columns: number, indent: number): string {
  const begin = line.match(/^ */)?.[0] ?? '';
  const follow = begin + ' '.repeat(indent);
  const lines: string[] = [];
  let current = begin;
  for (const word of line.slice(begin.length).split(' ')) {
    const isFirst = current.trim() === '';
    const next = isFirst ? `${current}${word}` : `${current} ${word}`;
    if (!isFirst && widthOf(next) > columns) {
      lines.push(current.trimEnd());
      current = `${follow.slice(0, Math.max(0, columns - widthOf(word)))}${word}`;
    } else {
      current = next;
    }
  }
  return [...lines, current].join('\n');
}

/** Cuts a line to the terminal's width, so that it takes one row. Escape codes take no room. */
export function clip(line: string, width: number): string {
  let room = width;
  let out = '';
  for (const part of line.split(ESCAPE)) {
    const isCode = part.startsWith('\u001b');
    out += isCode ? part : part.slice(0, Math.max(0, room));
    if (!isCode) room -= part.length;
  }
  return out;
}
