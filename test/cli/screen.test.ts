import { describe, expect, it } from 'vitest';
import { palette, printable, printed } from '../../src/cli/output/paint.js';
import { Screen } from '../../src/cli/output/screen.js';
import { renderTable } from '../../src/cli/output/table.js';

/** A screen and what was written to it. */
function open(isTTY = true) {
  let text = '';
  const screen = new Screen({ isTTY, columns: 0, write: (chunk: string) => (text += chunk) });
  return { screen, text: () => text };
}

describe('a screen', () => {
  it('lets our own colours through, and nobody else’s', () => {
    const { screen, text } = open();
    const { red, dim } = palette(true);
    screen.lines([red(`kid \u001b[32m${dim('x')}`), 'plain \u001b[31m\u001b[2J']);
    expect(text()).toBe('\u001b[31mkid \\u001b[32m\u001b[2mx\u001b[22m\u001b[39m\nplain \\u001b[31m\\u001b[2J\n');
  });

  it('makes no line of a line break from outside', () => {
    const { screen, text } = open();
    screen.lines(['one\ntwo\r\n', 'three\u2028four']);
    expect(text()).toBe('one\\ntwo\\r\\n\nthree\\u2028four\n');
  });

  it('is 80 columns wide where the terminal does not say, and endless in a pipe', () => {
    expect(open().screen.columns).toBe(80);
    expect(open(false).screen.columns).toBe(Number.POSITIVE_INFINITY);
  });
});

describe('a colour', () => {
  it('can’t be sent from outside: its number is of this process alone', () => {
    const ours = palette(true).green('ok');
    const [, number = ''] = /\[32;([\d;]+)m/.exec(ours) ?? [];
    expect(number).toMatch(/^(?:\d{4};){3}\d{4}$/);
    for (const forged of ['\u001b[32m', '\u001b[32;1111;2222;3333;4444m', `\u001b[5;5;${number}m`, `[32;${number}m`]) {
      expect(printed(forged)).not.toContain('\u001b');
    }
    expect(printable(printable(`${ours}\u001b[0m`))).toBe(`${ours}\\u001b[0m`);
    expect(palette(false).green('ok')).toBe('ok');
  });
});

it('a table is laid out by what is printed, not by what is in it', () => {
  const lines = renderTable(
    ['KID', 'STATE'],
    [
      ['\u202ea\u001b[2J', 'active'],
      ['plain', 'retired\nx'],
    ],
    { color: palette(false), columns: Number.POSITIVE_INFINITY },
  ).split('\n');
  expect(lines).toEqual(['KID               STATE', '\\u202ea\\u001b[2J  active', 'plain             retired\\nx']);
});

describe('a table that is wider than the terminal', () => {
  const rows = [
    ['v1 S9e59t9gHG…', 'deprecated', 'as the manifest has it', ''],
    ['/srv/jwks/jwks.json', 'yes', '', 'v1 v2'],
  ];
  const header = ['KEY', 'STATE', 'WHY', 'HOLDS'];

  it('has each row in several lines, each cell with its title, none that is empty', () => {
    expect(renderTable(header, rows, { color: palette(false), columns: 30 }).split('\n')).toEqual([
      'v1 S9e59t9gHG…',
      '  STATE  deprecated',
      '  WHY    as the manifest has',
      '         it',
      '/srv/jwks/jwks.json',
      '  STATE  yes',
      '  HOLDS  v1 v2',
    ]);
  });

  it('is a table where it fits, and in a pipe', () => {
    for (const columns of [100, Number.POSITIVE_INFINITY])
      expect(renderTable(header, rows, { color: palette(false), columns })).toMatch(/^KEY +STATE +WHY +HOLDS\n/);
  });
});
