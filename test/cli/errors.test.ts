import { describe, expect, it } from 'vitest';
import { errorDocument } from '../../src/cli/output/describe-error.js';
import { Output } from '../../src/cli/output/output.js';
import { JwtrotError } from '../../src/keyset/basics/error.js';

const ERROR = new JwtrotError('usage', 'bad-config', 'configuration x has 2 errors; nothing was touched', {
  hint: 'correct them',
  list: ['x:1:1: store: is missing', 'x:2:1: wrap: is missing'],
});

describe('an error of several lines', () => {
  it('is a message and a list as JSON', () => {
    let text = '';
    const stdout = { write: (more: string) => (text += more) };
    const output = new Output({ env: {}, stdout, stderr: { write: () => {} }, supervisor: null } as never, {
      json: true,
    });
    expect(output.failure(ERROR)).toBe(2);
    expect(JSON.parse(text)).toEqual({
      schema: 1,
      error: {
        code: 'bad-config',
        message: 'configuration x has 2 errors; nothing was touched',
        list: ['x:1:1: store: is missing', 'x:2:1: wrap: is missing'],
        hint: 'correct them',
        exit: 2,
      },
    });
  });

  it('has no list where there is one line', () => {
    expect(errorDocument(new Error('x'))).toEqual({
      code: 'unforeseen',
      message: 'unforeseen failure: x',
      hint: null,
      exit: 1,
    });
  });
});

it('status --check as the wrong user is UNKNOWN, with the command that works; a store out of reach is CRITICAL', () => {
  let text = '';
  const stdout = { write: (more: string) => (text += more) };
  const output = new Output({ env: {}, stdout, stderr: { write: () => {} }, supervisor: null } as never, {});
  for (const kind of ['refused', 'store'] as const) {
    const error = new JwtrotError(kind, 'foreign-store', 'it belongs to user jwtrot', {
      hint: 'sudo -u jwtrot jwtrot',
    });
    expect(output.check(error)).toBe(3);
  }
  expect(output.check(new JwtrotError('store', 'store-failed', 'gone'))).toBe(2);
  const unknown = 'JWTROT UNKNOWN - it belongs to user jwtrot; sudo -u jwtrot jwtrot\n';
  expect(text).toBe(`${unknown}${unknown}JWTROT CRITICAL - gone\n`);
});

it('status --check --json that could not find out prints the error as every verb does, with the plugin’s exit code', () => {
  let text = '';
  const stdout = { write: (more: string) => (text += more) };
  const output = new Output({ env: {}, stdout, stderr: { write: () => {} }, supervisor: null } as never, {
    json: true,
  });
  expect(output.check(new JwtrotError('refused', 'manifest-damaged', 'it is damaged', { hint: 'mend it' }))).toBe(2);
  const error = { code: 'manifest-damaged', message: 'it is damaged', hint: 'mend it', exit: 2 };
  expect(JSON.parse(text)).toEqual({ schema: 1, error });
});
