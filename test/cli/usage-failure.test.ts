import { describe, expect, it } from 'vitest';
import { givenAs } from '../../src/cli/commands/import.js';
import { runCli } from '../../src/cli/program.js';

/** What is printed where the command line is wrong: nothing else of the machine is asked. */
async function run(...argv: string[]) {
  const said = { out: '', err: '' };
  const environment = {
    argv,
    env: {},
    stdout: { write: (text: string) => (said.out += text) },
    stderr: { write: (text: string) => (said.err += text) },
    signal: new AbortController().signal,
    supervisor: null,
  };
  const exit = await runCli(argv, environment as never);
  return { exit, ...said };
}

describe('a command line that is wrong', () => {
  it('is UNKNOWN to a monitoring plugin', async () => {
    const { exit, out } = await run('status', '--check', '--chek');
    expect({ exit, out }).toEqual({ exit: 3, out: expect.stringMatching(/^JWTROT UNKNOWN - .*--chek/) });
    expect((await run('status', '--chek')).exit).toBe(2);
  });

  it('names --kid where retire got a kid alone, with all that was given', async () => {
    const { exit, err } = await run('retire', '1NNCgD2P', '--yes', '--reason', 'failed');
    expect(exit).toBe(2);
    expect(err).toContain('hint: jwtrot retire --kid 1NNCgD2P --yes --reason=failed');
    expect((await run('retire', 'a', '--kid', 'b')).err).toContain('hint: jwtrot retire --help');
  });
});

it('what came by standard input is asked for again', () => {
  expect(givenAs('pem', '-', 'api', 'k1')).toEqual({
    file: '- < FILE',
    asPublic: 'openssl pkey -pubout < FILE | jwtrot import --keyset api --public - --kid=k1',
  });
  expect(givenAs('jwk', '-', 'api', 'k1').asPublic).toMatch(/^jq '.*' < FILE \| /);
  expect(givenAs('pem', 'old.pem', 'api', 'k1').asPublic).toMatch(/^openssl pkey -in old.pem -pubout \| /);
});
