import { cpSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { decodeBackup } from '../../src/store/directory/backup-text.js';
import { callPoints, type LocalPoint, requestPoints, startUntil, undisturbed, wasKilled } from './points.js';
import { SCENARIOS, type Scenario } from './scenarios.js';
import { unsettled } from './settled.js';
import { Site } from './site.js';
import { Count, randomInstants, SWEEP_LIMIT, sample, sweep, withSites } from './sweep.js';

/** One of the `store` verbs that is killed, and what is looked at then. */
interface StoreVerb extends Scenario {
  /** What is not as it must be right after the kill. */
  found(site: Site): string[];
  /** What is run then, and what may refuse since the killed run had come to its end. */
  readonly again: readonly { readonly args: readonly string[]; readonly codes: readonly number[] }[];
}

const none = { ends: async () => null, incident: false } as const;
const [, immediate] = SCENARIOS as [Scenario, Scenario];
const ROTATE = { args: ['rotate'], codes: [0] };

/** Every file below a folder, by name, as hexadecimal. */
function contentsOf(folder: string): Record<string, string> {
  const names = existsSync(folder) ? readdirSync(folder, { recursive: true }).map(String).sort() : [];
  const files = names.filter((name) => statSync(join(folder, name)).isFile());
  return Object.fromEntries(files.map((name) => [name, readFileSync(join(folder, name), 'hex')]));
}

function differs(one: object, other: object): boolean {
  return JSON.stringify(one) !== JSON.stringify(other);
}

const NEW = ['monday', 'tuesday'];

const backup: StoreVerb = {
  ...none,
  name: 'store backup',
  async prepare(site) {
    await immediate.prepare(site);
    await site.run('rotate', '--immediate');
    await site.save();
    cpSync(site.world.path('store'), site.world.path('as-it-was'), { recursive: true });
  },
  // Of its own, so that the run before it is not in its way.
  async args(site) {
    for (const name of NEW) rmSync(site.world.path(name), { force: true });
    return ['store', 'backup', 'monday'];
  },
  found({ world }) {
    const problems: string[] = [];
    if (differs(contentsOf(world.path('store')), contentsOf(world.path('as-it-was'))))
      problems.push('the store changed');
    if (existsSync(world.path('monday'))) {
      const bytes = readFileSync(world.path('monday'));
      try {
        decodeBackup(bytes, 'monday');
      } catch (error) {
        problems.push(`a file of its name is not whole (${bytes.length} bytes): ${error}`);
      }
    }
    return problems;
  },
  again: [
    { args: ['store', 'backup', 'monday'], codes: [0, 2] },
    { args: ['store', 'backup', 'tuesday'], codes: [0] },
    ROTATE,
  ],
};

const restore: StoreVerb = {
  ...none,
  name: 'store restore',
  async prepare(site) {
    await backup.prepare(site);
    const { world } = site;
    writeFileSync(world.path('passphrase'), 'correct horse battery staple', { mode: 0o600 });
    await site.run(
      'store',
      'backup',
      '--with-kek',
      '--passphrase-file',
      world.path('passphrase'),
      world.path('all.age'),
    );
    writeFileSync(world.path('kek-as-it-was'), readFileSync(world.path('kek')));
    for (const name of ['store', 'kek']) rmSync(world.path(name), { recursive: true });
    await site.save();
  },
  // What a killed one left beside the store is looked at by the next: it would make more calls than the one that was counted.
  async args({ world }) {
    const left = readdirSync(world.folder).filter((name) => name.startsWith('.store-restored-'));
    for (const name of left) rmSync(world.path(name), { recursive: true });
    return ['store', 'restore', '--passphrase-file', 'passphrase', 'all.age'];
  },
  found({ world }) {
    const there = contentsOf(world.path('store'));
    const was = contentsOf(world.path('as-it-was'));
    const newest = (names: string[]) => names.filter((name) => name.includes('manifest/')).at(-1);
    const isWhole = newest(Object.keys(there)) === newest(Object.keys(was));
    const problems = Object.keys(there).length > 0 && !isWhole ? ['half a store is there'] : [];
    for (const [name, text] of Object.entries(there)) if (was[name] !== text) problems.push(`${name} is another file`);
    if (existsSync(world.path('kek')) && differs(contentOf(world.path('kek')), contentOf(world.path('kek-as-it-was'))))
      problems.push('the KEK is not whole');
    return problems;
  },
  again: [{ args: ['store', 'restore', '--passphrase-file', 'passphrase', 'all.age'], codes: [0, 5] }, ROTATE],
};

function contentOf(path: string): object {
  return { text: readFileSync(path, 'latin1') };
}

/** The store is put back to before its newest key. */
const recover: StoreVerb = {
  ...none,
  name: 'store recover',
  async prepare(site) {
    await immediate.prepare(site);
    const { world } = site;
    cpSync(world.path('store'), world.path('older'), { recursive: true });
    await site.run('rotate', '--immediate');
    rmSync(world.path('store'), { recursive: true });
    cpSync(world.path('older'), world.path('store'), { recursive: true });
    await site.save();
  },
  args: async () => ['store', 'recover', '--yes'],
  found: () => [],
  again: [{ args: ['store', 'recover', '--yes'], codes: [0] }, ROTATE, ROTATE],
};

async function killedAt(site: Site, verb: StoreVerb, point: LocalPoint): Promise<string[]> {
  await site.restore();
  const token = await site.services.mint();
  const ran = await (await startUntil(site, verb, point)).ended;
  if (!wasKilled(ran) && !('ms' in point)) return [`it was not killed: ${ran.stderr}`];
  const problems = verb.found(site);
  for (const { args, codes } of verb.again) {
    const { code, stdout, stderr } = await site.world.run(args);
    if (!codes.includes(code ?? -1)) problems.push(`${args.join(' ')} ended with ${code}: ${stdout}${stderr}`);
  }
  if (token === null || !(await site.services.accepts(token))) problems.push('an old token is rejected');
  const now = await site.services.mint();
  if (now === null || !(await site.services.accepts(now))) problems.push('a new token is rejected');
  return [...problems, ...(await unsettled(site))];
}

const count = new Count('store verbs');
afterAll(() => count.total());

describe('a store verb that is killed', () => {
  for (const verb of [backup, restore, recover]) {
    it(`leaves a sound store, or none, and is done by running it again: ${verb.name}`, { timeout: SWEEP_LIMIT }, () =>
      withSites(
        verb,
        () => Site.open(),
        async (sites) => {
          const [site] = sites;
          const { code, calls, took } = await undisturbed(site, verb);
          expect(code).toBe(0);
          const points = [...callPoints(calls, /./), ...requestPoints(site.services.requests)];
          expect(points.length).toBeGreaterThan(20);
          const tried = sample(points, 1);
          const instants = randomInstants(0, took);
          const problems = await sweep(sites, [...tried, ...instants], (one, point: LocalPoint) =>
            killedAt(one, verb, point),
          );
          count.add(verb.name, points.length, tried.length, instants.length);
          expect(problems).toEqual({});
        },
      ),
    );
  }
});
