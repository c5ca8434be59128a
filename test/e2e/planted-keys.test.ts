import { generateKeyPairSync } from 'node:crypto';
import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { beforeEach, describe, expect, it } from 'vitest';
import { backUp, readRecord, restore } from './backups.js';
import type { RotateDocument, Site } from './fixtures.js';
import { kidOf } from './look.js';
import { runAll, scene } from './scene.js';

/*
 * The owner of one outlet's directory has put something there under the kid of a key that leaked, while the store fails or is
 * older than the key: the incident must neither be refused for it, nor take that for what leaked.
 */

interface Entry {
  readonly kid?: string;
  readonly kty: string;
  readonly x?: string;
}

let site: Site;
/** By its thumbprint: it signed after `key-1`, which was imported, and before the active one. */
let made: string;
let active: string;

const OURS = 'public/jwks.json';
const THEIRS = 'theirs/jwks.json';
const prepared = (outlets: readonly string[]) =>
  scene(async (begun) => {
    const { world } = begun;
    world.folderFor('theirs');
    world.configure(begun.configuration({ publish: outlets.map((file) => ({ file: world.path(file) })) }));
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    writeFileSync(world.path('old.pem'), privateKey.export({ format: 'pem', type: 'pkcs8' }), { mode: 0o600 });
    await runAll(begun, 'import --pem old.pem --kid key-1');
    backUp(world);
    await runAll(begun, 'rotate --immediate', 'rotate --immediate');
  });
const besideOurs = prepared([OURS, THEIRS]);
const alone = prepared([OURS]);

async function use(begun: () => Promise<Site>): Promise<void> {
  site = await begun();
  [made, active] = [await kidOf(site, 2), await kidOf(site, 3)];
}

function foreign(): Entry & { x: string } {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return publicKey.export({ format: 'jwk' }) as Entry & { x: string };
}

function entriesOf(path: string): Entry[] {
  return site.world.readJson<{ keys: Entry[] }>(path).keys;
}

/** What the owner of that directory makes of its content. */
function plant(path: string, change: (entries: Entry[]) => Entry[]): void {
  writeFileSync(site.world.path(path), `${JSON.stringify({ keys: change(entriesOf(path)) }, null, 2)}\n`);
}

/** What lies under `kid` gets another pair, and what lies under `other` gets the one of `kid`. */
function exchange(kid: string, other: string) {
  const name = (one: Entry) => (one.kid === kid ? other : one.kid === other ? kid : one.kid);
  return (entries: Entry[]): Entry[] => entries.map((one) => ({ ...one, kid: name(one) }) as Entry);
}

const JUNK = (kid: string) => (entries: Entry[]) => [{ kty: 'oct', kid, k: 'AAAA' }, ...entries];
const SECOND = (kid: string) => (entries: Entry[]) => [{ ...foreign(), kid }, ...entries];
const INSTEAD = (kid: string) => (entries: Entry[]) =>
  entries.map((one) => (one.kid === kid ? { ...foreign(), kid } : one));
const JUNK_INSTEAD = (kid: string) => (entries: Entry[]) =>
  entries.map((one) => (one.kid === kid ? { kty: 'oct', kid } : one));

/** While `work` runs the store can be neither read nor written. */
async function withoutStore(work: () => Promise<void>): Promise<void> {
  const store = site.world.path('store');
  renameSync(store, `${store}.away`);
  writeFileSync(store, '');
  try {
    await work();
  } finally {
    rmSync(store);
    renameSync(`${store}.away`, store);
  }
}

async function retire(kid: string, ...options: string[]) {
  const args = ['retire', '--kid', kid, '--yes', '--deadline', '10s', ...options];
  const { code, document } = await site.world.json<RotateDocument>(args);
  const [api] = document.keysets ?? [];
  return { code, outcome: api?.outcome, error: document.error?.code, last: api?.problems.at(-1)?.code };
}

/** Neither the pair nor anything under its kid is in one of them; each other key of this keyset is. */
function isOut(kid: string, pair: Entry | undefined, ...outlets: readonly string[]): void {
  for (const path of outlets) {
    const entries = entriesOf(path);
    expect(entries.filter((one) => one.kid === kid || one.x === pair?.x)).toEqual([]);
  }
}

function pairOf(kid: string, path = OURS): Entry {
  const pair = entriesOf(path).find((one) => one.kid === kid);
  if (pair === undefined) throw new Error(`${kid} is not in ${path}`);
  return pair;
}

/** Each revision of the manifest. */
function damage(): void {
  const folder = site.world.path('store/api/manifest');
  for (const name of readdirSync(folder)) writeFileSync(`${folder}/${name}`, '{');
}

function secrets(): string[] {
  return readdirSync(site.world.path('store/api/keys'));
}

function remembered(): string[] {
  return readRecord(site.world).retired.map(({ kid }) => kid);
}

/** The store has it in use, and nothing publishes the key again. */
async function isRefused(kid: string): Promise<void> {
  for (const verb of ['rotate', 'sync']) {
    const { code, stderr } = await site.world.run([verb]);
    expect({ verb, code }, stderr).toEqual({ verb, code: 5 });
    expect(stderr).toContain(`tell it: jwtrot retire --kid ${kid}`);
  }
}

/** And the store is told: then the history is one. */
async function endsWhenTold(kid: string, pair: Entry, ...outlets: readonly string[]): Promise<void> {
  await isRefused(kid);
  isOut(kid, pair, ...outlets);
  expect(await retire(kid)).toMatchObject({ code: 0, outcome: 'retired' });
  expect((await site.world.run(['rotate', '--immediate'])).code).toBe(0);
  isOut(kid, pair, ...outlets);
}

const PLANTED: [string, (kid: string, other: string) => (entries: Entry[]) => Entry[]][] = [
  ['an entry that is no key', JUNK],
  ['a second pair', SECOND],
  ['another pair in its place', INSTEAD],
  ['exchanged names', exchange],
];

describe('an incident beside an outlet of others', { timeout: 120_000 }, () => {
  beforeEach(() => use(besideOurs));

  it.each(PLANTED.flatMap(([what, change]) => [true, false].map((isMade) => [what, isMade, change] as const)))(
    'is not held up while the store fails: %s (the kid is a thumbprint: %s)',
    async (_, isMade, change) => {
      const [kid, other] = isMade ? [made, 'key-1'] : ['key-1', active];
      const [pair, stays] = [pairOf(kid), pairOf(other)];
      plant(THEIRS, change(kid, other));
      await withoutStore(async () =>
        expect(await retire(kid)).toEqual({ code: 4, outcome: 'retired', error: undefined, last: 'store-failed' }),
      );
      isOut(kid, pair, OURS, THEIRS);
      expect(entriesOf(OURS)).toContainEqual(stays);
      // It alone is what this host has published under that kid.
      expect(remembered()).toEqual([kid]);
      await isRefused(kid);
      isOut(kid, pair, OURS, THEIRS);
    },
  );

  it.each(PLANTED)('is not held up by it in an older store: %s', async (_, change) => {
    const pair = pairOf(made);
    const before = entriesOf(OURS);
    restore(site.world);
    plant(THEIRS, change(made, active));
    expect(await retire(made)).toEqual({ code: 4, outcome: 'retired', error: undefined, last: 'other-history' });
    isOut(made, pair, OURS, THEIRS);
    expect(entriesOf(OURS)).toEqual(before.filter(({ kid }) => kid !== made));
    expect(remembered()).toEqual([made]);
    expect((await site.world.run(['rotate'])).code).toBe(5);
  });

  it.each(PLANTED)('is not held up by it in a damaged store: %s', async (_, change) => {
    const [pair, stays] = [pairOf(made), pairOf(active)];
    damage();
    plant(THEIRS, change(made, active));
    expect(await retire(made)).toEqual({ code: 4, outcome: 'retired', error: undefined, last: 'store-damaged' });
    isOut(made, pair, OURS, THEIRS);
    expect(entriesOf(OURS)).toContainEqual(stays);
    expect(remembered()).toEqual([made]);
    expect(secrets()).not.toContain(`${made}.json`);
    expect(secrets()).toContain(`${active}.json`);
  });

  it.each([
    ['another pair under its kid', INSTEAD],
    ['the same pair', () => (entries: Entry[]) => entries],
  ] as const)(
    'is one of the keyset that this host has published it for, where another one has %s',
    async (_, change) => {
      plant(THEIRS, change(made));
      const config = site.configuration({ publish: [{ file: site.world.path(OURS) }] }) as { keysets: object };
      const web = { alg: 'ES256', maxTokenTtl: '1h', publish: [{ file: site.world.path(THEIRS) }] };
      site.world.configure({ ...config, keysets: { ...config.keysets, web } });
      await withoutStore(async () =>
        expect(await retire(made)).toMatchObject({ code: 4, outcome: 'retired', last: 'store-failed' }),
      );
      expect(remembered()).toEqual([made]);
    },
  );
});

describe('an incident of a key that the only outlet holds no more', { timeout: 120_000 }, () => {
  beforeEach(() => use(alone));

  const changes = [
    ['another pair', INSTEAD],
    ['an entry that is no key', JUNK_INSTEAD],
    ['the pair of another key', exchange],
  ] as const;
  it.each(changes.flatMap(([what, change]) => [true, false].map((isMade) => [what, isMade, change] as const)))(
    'is remembered for the key itself while the store fails: %s lies under its kid (a thumbprint: %s) (trace 31)',
    async (what, isMade, change) => {
      const [kid, other] = isMade ? [made, 'key-1'] : ['key-1', made];
      const pair = pairOf(kid);
      plant(OURS, change(kid, other));
      await withoutStore(async () => {
        const { code, stderr } = await site.world.run(['retire', '--kid', kid, '--yes', '--deadline', '10s']);
        expect(code, stderr).toBe(4);
        expect(stderr).toContain('this host remembers it');
        if (isMade && what === 'another pair')
          expect(stderr).toMatch(
            /^another key {4}under "\S{43}" lies \S{43}, too: its entry is taken out, the key itself/m,
          );
      });
      isOut(kid, pair, OURS);
      expect(remembered()).toContain(kid);
      await endsWhenTold(kid, pair, OURS);
    },
  );

  it('takes a leaked key that was given itself by its own name, whatever it is called there', async () => {
    const pair = pairOf('key-1');
    plant(OURS, exchange('key-1', made));
    await withoutStore(async () => {
      const { code, stderr } = await site.world.run(['retire', '--key', 'old.pem', '--yes', '--deadline', '10s']);
      expect(code, stderr).toBe(4);
      expect(stderr).toContain('key            api key-1 (ES256, in ');
    });
    expect(remembered()).toEqual(['key-1']);
    await endsWhenTold('key-1', pair, OURS);
  });
});

describe('an incident by the first characters of a kid', { timeout: 120_000 }, () => {
  beforeEach(() => use(alone));
  const renamed = (kid: string) => (entries: Entry[]) =>
    entries.map((one) => (one.kid === kid ? { ...one, kid: 'x' } : one));
  const junk = (kid: string) => (entries: Entry[]) => [...entries, { ...foreign(), kid: kid.slice(0, 8) }];

  it.each([
    ['while the store fails', withoutStore],
    [
      'in an older store',
      async (work: () => Promise<void>) => {
        restore(site.world);
        await work();
      },
    ],
  ] as const)('is of the pair whose thumbprint begins so, whatever lies under just those: %s', async (_, within) => {
    const pair = pairOf(made);
    const before = entriesOf(OURS).filter(({ kid }) => kid !== made);
    plant(OURS, renamed(made));
    plant(OURS, junk(made));
    await within(async () => expect(await retire(made.slice(0, 8))).toMatchObject({ code: 4, outcome: 'retired' }));
    isOut(made, pair, OURS);
    expect(entriesOf(OURS)).toEqual([...before, expect.objectContaining({ kid: made.slice(0, 8) })]);
    expect(readRecord(site.world).retired).toContainEqual(expect.objectContaining({ thumbprint: made }));
  });

  it.each([true, false])(
    'given again finds the pair under another name, while the store fails (a thumbprint: %s)',
    async (isMade) => {
      const kid = isMade ? made : 'key-1';
      const pair = pairOf(kid);
      expect((await retire(kid)).outcome).toBe('retired');
      plant(OURS, (entries) => [...entries, { ...pair, kid: 'x' }]);
      await withoutStore(async () => {
        const again = await retire(isMade ? kid.slice(0, 8) : kid);
        expect(again).toMatchObject({ code: 4, outcome: 'retired', last: 'store-failed' });
      });
      isOut(kid, pair, OURS);
    },
  );
});

/** Moduli of 4,096 bits without a small factor: it takes long to tell that nobody can factor one. */
function moduli(count: number): string[] {
  const small = [...Array(2_000).keys()].filter(
    (n) => n > 1 && [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43].every((p) => n === p || n % p),
  );
  const step = small.reduce((product, prime) => product * BigInt(prime), 1n);
  const from = (1n << 4095n) / step + 1n;
  return Array.from({ length: count }, (_, i) => {
    const n = (from + BigInt(i)) * step + 1n;
    return Buffer.from(n.toString(16), 'hex').toString('base64url');
  });
}

describe('an incident beside an outlet that somebody has filled', { timeout: 120_000 }, () => {
  beforeEach(() => use(besideOurs));

  it('takes no longer for it: each modulus would take long to check (trace 33)', async () => {
    const pair = pairOf(made);
    plant(THEIRS, (entries) => [...entries, ...moduli(800).map((n) => ({ kty: 'RSA', n, e: 'AQAB', kid: made }))]);
    await withoutStore(async () =>
      expect(await retire(made, '--deadline', '5s')).toEqual({
        code: 4,
        outcome: 'retired',
        error: undefined,
        last: 'store-failed',
      }),
    );
    isOut(made, pair, OURS, THEIRS);
    expect(remembered()).toEqual([made]);
  });

  it('remembers the leaked key, and says in one line what else leaves with it', async () => {
    const pair = pairOf(made);
    const planted = Array.from({ length: 40 }, () => ({ ...foreign(), kid: made }));
    for (const path of [OURS, THEIRS])
      plant(path, (entries) => [...planted, ...entries.filter(({ kid }) => kid !== made)]);
    await withoutStore(async () => {
      const { code, stderr } = await site.world.run(['retire', '--kid', made, '--yes', '--deadline', '10s']);
      expect(code, stderr).toBe(4);
      expect(stderr.match(/^another key.*/gm)).toEqual([
        `another key    under "${made}" lie 40 more: their entries are taken out, the keys themselves are not retired`,
      ]);
      expect(stderr).toContain(`jwks.json has lost ${made}, and is otherwise as it was`);
    });
    isOut(made, pair, OURS, THEIRS);
    expect(remembered()).toEqual([made]);
    await endsWhenTold(made, pair, OURS, THEIRS);
  });

  it('never retires the active key because an outlet shows it under the leaked kid, too (trace 33)', async () => {
    const pair = pairOf(made);
    const stays = pairOf(active);
    plant(OURS, (entries) => [...entries, { ...stays, kid: made }]);
    await withoutStore(async () => {
      expect(await retire(made)).toMatchObject({ code: 4, outcome: 'retired', last: 'store-failed' });
      expect(entriesOf(OURS)).toContainEqual(stays);
    });
    expect(remembered()).toEqual([made]);
    expect(await retire(made)).toMatchObject({ code: 0, outcome: 'retired' });
    isOut(made, pair, OURS, THEIRS);
    expect(entriesOf(OURS)).toContainEqual(stays);
    expect(secrets()).toContain(`${active}.json`);
  });
});

describe('an incident of a host that remembers nothing', { timeout: 120_000 }, () => {
  beforeEach(() => use(alone));
  const forget = () => rmSync(site.world.path('records'), { recursive: true });

  it('takes out both, where the store and an outlet have different pairs under a kid', async () => {
    const [pair, other] = [pairOf('key-1'), pairOf(made)];
    forget();
    plant(OURS, exchange('key-1', made));
    const { code, stderr } = await site.world.run(['retire', '--kid', 'key-1', '--yes', '--deadline', '10s']);
    expect(code, stderr).toBe(4);
    expect(stderr).toContain(`another key    under "key-1" lies `);
    for (const gone of [pair, other]) isOut('key-1', gone, OURS);
  });

  it('deletes no private key that an outlet alone has named', async () => {
    const other = pairOf(made);
    forget();
    damage();
    const before = secrets();
    plant(OURS, exchange('key-1', made));
    expect(await retire('key-1')).toMatchObject({ code: 4, outcome: 'retired' });
    isOut('key-1', other, OURS);
    expect(secrets()).toEqual(before);
  });

  it('goes by the kid, where that is the thumbprint of the pair that the store has under it', async () => {
    const pair = pairOf(made);
    forget();
    plant(OURS, exchange(made, 'key-1'));
    expect(await retire(made)).toMatchObject({ outcome: 'retired', error: undefined });
    isOut(made, pair, OURS);
    expect(entriesOf(OURS).map(({ kid }) => kid)).toEqual(['key-1', active]);
  });

  it('takes out every pair that lies under a kid, where the store is none that knows it', async () => {
    for (const change of [SECOND('theirs'), SECOND('theirs'), JUNK('theirs')]) plant(OURS, change);
    const before = readFileSync(site.world.path(OURS), 'utf8');
    expect(before.match(/"theirs"/g)).toHaveLength(3);
    const { code, stderr } = await site.world.run(['retire', '--kid', 'theirs', '--yes', '--deadline', '10s']);
    expect(stderr).toContain('another key    under "theirs" lies ');
    expect(code, stderr).toBe(0);
    expect(entriesOf(OURS).map(({ kid }) => kid)).toEqual(['key-1', made, active]);
    expect(remembered()).toHaveLength(2);
  });

  it('retires no more of them than it can remember, and says how many it left', async () => {
    plant(OURS, (entries) => [...entries, ...Array.from({ length: 40 }, () => ({ ...foreign(), kid: 'theirs' }))]);
    const { code, stderr } = await site.world.run(['retire', '--kid', 'theirs', '--yes', '--deadline', '10s']);
    expect(code, stderr).toBe(0);
    expect(stderr.match(/^another key.*, too: /gm)).toHaveLength(16);
    expect(stderr).toContain('another key    under "theirs" lie 23 more: their entries are taken out');
    expect(entriesOf(OURS).map(({ kid }) => kid)).toEqual(['key-1', made, active]);
    expect(remembered()).toHaveLength(17);
  });
});
