import { describe, expect, it } from 'vitest';
import { layOutHelp } from '../../src/cli/output/help-text.js';
import { globalsIn, runCli } from '../../src/cli/program.js';

const VERBS = [
  [],
  ['rotate'],
  ['sync'],
  ['status'],
  ['retire'],
  ['rollback'],
  ['import'],
  ['jwks'],
  ['setup'],
  ['setup', 'systemd'],
  ['setup', 'cron'],
  ['store'],
  ['store', 'backup'],
  ['store', 'restore'],
  ['store', 'recover'],
];

/** What a terminal of that many columns shows; 0: a pipe. */
async function helpOf(verb: readonly string[], columns: number, env: Record<string, string> = {}): Promise<string> {
  let text = '';
  const stdout = { isTTY: columns > 0, columns, write: (more: string) => (text += more) };
  const stderr = { write: () => {} };
  const signal = new AbortController().signal;
  const environment = { argv: [], env, stdout, stderr, signal, supervisor: null };
  expect(await runCli([...verb, '--help'], environment as never)).toBe(0);
  return text;
}

const words = (text: string) => text.split(/\s+/);

describe('--help', () => {
  it.each(VERBS.map((verb) => [['jwtrot', ...verb].join(' '), verb] as const))(
    'of %s fits into 40, 80 and 120 columns, and breaks no word',
    async (_, verb) => {
      const whole = await helpOf(verb, 10_000);
      for (const columns of [40, 80, 120]) {
        const text = await helpOf(verb, columns);
        expect(text.split('\n').filter((line) => line.length > columns)).toEqual([]);
        expect(words(text)).toEqual(words(whole));
      }
    },
  );

  it('of retire says what exit 4 asks of whoever meets it at night', async () => {
    expect(await helpOf(['retire'], 10_000)).toContain('\n  4    something is still open');
  });

  it('is for 80 columns in a pipe, or for as many as COLUMNS says', async () => {
    expect(await helpOf(['retire'], 0)).toBe(await helpOf(['retire'], 80));
    expect(await helpOf(['retire'], 0, { COLUMNS: '40' })).toBe(await helpOf(['retire'], 40));
    expect(await helpOf(['retire'], 0, { COLUMNS: 'wide' })).toBe(await helpOf(['retire'], 80));
  });

  it('puts what is said below its term where there is no room beside it', () => {
    expect(layOutHelp('  --json    one document, on one line', 36)).toBe(
      '  --json    one document, on one\n            line',
    );
    expect(layOutHelp('  --json    one document, on one line', 30)).toBe(
      '  --json\n      one document, on one\n      line',
    );
  });
});

describe('options of the whole program', () => {
  it('are known before the command line is parsed, short ones too', () => {
    expect(globalsIn(['rotate', '-q'])).toMatchObject({ quiet: true, json: false });
    expect(globalsIn(['rotate', '-nq', '--json'])).toMatchObject({ quiet: true, json: true });
    for (const word of ['-kq', '-cq', '--kid=-q', 'q']) expect(globalsIn(['rotate', word]).quiet).toBe(false);
  });

  it('hold where no verb is given: an error is one JSON document', async () => {
    let text = '';
    const stdout = { write: (more: string) => (text += more) };
    const signal = new AbortController().signal;
    const environment = { argv: [], env: {}, stdout, stderr: { write: () => {} }, signal, supervisor: null };
    expect(await runCli(['store', '--json'], environment as never)).toBe(2);
    expect(JSON.parse(text)).toMatchObject({ error: { code: 'bad-usage', hint: 'jwtrot store --help', exit: 2 } });
  });
});
