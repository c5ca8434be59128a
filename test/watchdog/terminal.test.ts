import { afterEach, describe, expect, it } from 'vitest';
import { openSite, type Site, type StatusDocument } from '../e2e/fixtures.js';
import { until } from '../e2e/world.js';
import { Terminal } from './terminal.js';

let site: Site;
let terminal: Terminal;
afterEach(async () => {
  terminal.close();
  await terminal.allEnded();
  await site.world.close();
});

/** A site with a key, whose gateway has stopped since: `retire` waits for it until its deadline. */
async function asked(deadline: string): Promise<string> {
  site = await openSite();
  await site.world.run(['rotate']);
  process.kill(site.gateway.pid, 'SIGSTOP');
  const { document } = await site.world.json<StatusDocument>(['status']);
  const { kid } = document.keysets[0]!.keys[0]!;
  terminal = new Terminal(site.world, ['retire', `--kid=${kid}`, '--deadline', deadline]);
  await until(() => terminal.shown.includes('[y/N]'), 'it asks', 20_000);
  return kid;
}

function published(): string[] {
  return site.world.readJson('public/jwks.json').keys.map(({ kid }) => kid);
}

const goesOn = () => until(() => published().length === 2, 'the replacement is published', 20_000);

describe('jwtrot retire on a terminal', { timeout: 60_000 }, () => {
  it.each([
    ['Ctrl-C', '\u0003', 130, 'interrupted by SIGINT; nothing was changed'],
    ['Ctrl-D', '\u0004', 2, 'not confirmed; nothing was changed'],
    ['another answer', 'q\r', 2, 'not confirmed; nothing was changed'],
  ])('stops before it has begun at %s to its question', async (_, keys, code, said) => {
    const kid = await asked('30s');
    terminal.type(keys);
    expect(await terminal.ended).toBe(code);
    expect(terminal.shown).toContain(said);
    expect(published()).toEqual([kid]);
  });

  it('stops once at one Ctrl-C, which both of its processes get', async () => {
    await asked('30s');
    terminal.type('y\r');
    await goesOn();
    terminal.type('\u0003');
    expect(await terminal.ended).toBe(130);
    expect(terminal.shown).toContain('the step under way was finished or is resumable');
    expect(terminal.shown).toContain('stands at phase verify');
  });

  it('goes on to its end when its terminal is closed', async () => {
    const kid = await asked('3s');
    terminal.type('y\r');
    await goesOn();
    terminal.close();
    await until(() => !published().includes(kid), 'its publication has ended', 15_000);
  });

  it('does not wait for a terminal that takes no text any more', async () => {
    const kid = await asked('3s');
    terminal.type('y\r');
    await goesOn();
    terminal.type('\u0013'); // Ctrl-S: from now on a write to it does not return
    await until(() => !published().includes(kid), 'its publication has ended', 15_000);
    expect(await terminal.ended).toBe(4);
  });
});
