import { readFileSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EXIT } from '../../src/keyset/basics/error.js';
import { Page, shape } from '../support/page.js';
import { World } from './world.js';

/*
 * What the pages show is what is printed. docs/operations.md and docs/recovery.md are played through under systemd
 * (test/systemd), docs/aws.md against moto.
 */

let world: World;
beforeEach(() => {
  world = new World();
});
afterEach(() => world.close());

const membersOf = (line: string): string[] => Object.keys(JSON.parse(line) as object);

/** The names of all members in their order, those of a list as its first entry has them. */
function namesIn(value: unknown): string[] {
  if (Array.isArray(value)) return namesIn(value[0]);
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, member]) => [name, ...namesIn(member)]);
}

describe('what is printed', () => {
  it('of the first key, without a configuration, is as in the README', async () => {
    const page = new Page('README.md');
    await world.run(['rotate']);
    const { stdout } = await world.run(['status']);
    const said = stdout.replace(`${world.path('state')}/jwtrot`, '/home/ada/.local/state/jwtrot');
    expect(shape(said)).toBe(page.printed('KEYSET'));
    // What test/tutorial compares; and what a rotation does is drawn, not printed.
    expect(page.uncompared().map((block) => block.split('\n')[0])).toEqual([
      'hello ada, by key kcWZG1NG',
      'generate, wrap, store      the manifest names the key before its secret is written',
    ]);
  });

  it('of a configuration that is wrong is as in docs/configuration.md', async () => {
    const page = new Page('docs/configuration.md');
    writeFileSync(world.config, 'keysets:\n  api:\n    maxTokenTtl: 7\n    publishAhed: 1h\n', { mode: 0o600 });
    const { code, stderr } = await world.run(['status']);
    expect(code).toBe(2);
    expect(shape(stderr.replaceAll(world.config, '/etc/jwtrot/jwtrot.yaml'))).toBe(page.printed('has 2 errors'));
    expect(page.uncompared()).toEqual([]);
  });

  it('as JSON has the members of docs/design.md, in their order', async () => {
    const { text } = new Page('docs/design.md');
    const row = (verb: string) => new RegExp(`^\\| (.*\`${verb}\`.*) \\| (.*) \\|$`, 'm').exec(text)?.[2] ?? '';
    const listed = (verb: string) => [...row(verb).matchAll(/`(\w+)`/g)].map(([, name]) => name);
    for (const verb of ['rotate', 'status', 'sync'] as const) {
      const { stdout } = await world.run([verb, '--json']);
      const [schema, ...printed] = namesIn(JSON.parse(stdout));
      expect(schema).toBe('schema');
      expect(printed.length).toBeGreaterThan(4);
      const flat = verb === 'sync' ? printed.filter((name) => name !== 'publish' && name !== 'deliver') : printed;
      expect(listed(verb).slice(0, flat.length)).toEqual(flat);
    }
  });

  it('as an exit code stands in the table of docs/design.md and of the README', () => {
    for (const page of ['docs/design.md', 'README.md']) {
      const rows = [...new Page(page).text.matchAll(/^\| (\d+(?:, \d+)*) \|/gm)].flatMap(([, codes = '']) =>
        codes.split(', '),
      );
      expect(rows.map(Number), page).toEqual(Object.values(EXIT));
    }
  });

  it('into a backup has the members of docs/backup-format.md, in their order', async () => {
    const [block = ''] = new Page('docs/backup-format.md').blocks();
    const shown = block.trim().split('\n').map(membersOf);
    await world.run(['rotate']);
    expect(await world.run(['store', 'backup', world.path('backup')])).toMatchObject({ code: 0 });
    const written = readFileSync(world.path('backup'), 'utf8').trim().split('\n').map(membersOf);
    expect(written).toHaveLength(4);
    const [first, keyset, key, , , last] = shown;
    expect(written).toEqual([first, keyset, key, last]);
  });
});
