import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { JwtrotError } from '../../src/keyset/basics/error.js';
import { jwkSetText, type OutletContent } from '../../src/keyset/published/jwk-set.js';
import type { OutletPort } from '../../src/outlets/outlet.js';
import type { Records } from '../../src/records/records.js';
import { newPair, type TestPair } from '../support/manifest.js';
import {
  contentOf,
  diskFolder,
  keyFrom,
  memoryFolder,
  portOf,
  recordsInMemory,
  remembering,
  toFile,
  toSecret,
  tryToWrite,
  write,
} from './support.js';

let active: TestPair;
let leaked: TestPair;
let before: OutletContent;
let after: OutletContent;
beforeAll(async () => {
  [active, leaked] = [await newPair(), await newPair()];
  before = contentOf(1, [active, leaked]);
  after = {
    ...contentOf(2, [active]),
    knownKids: before.knownKids,
    isIncident: true,
    retiring: [{ kid: leaked.thumbprint, thumbprint: leaked.thumbprint }],
  };
});

interface Site {
  readonly port: OutletPort;
  readonly records: Records;
  /** Of the outlet to which everything happens. */
  readonly folder: string;
  readonly path: string;
  readonly record: string;
  readonly lock: string;
  /** Of the other one, to which nothing does. */
  readonly good: string;
}

/** Two outlets that both publish the leaked key. */
async function site(): Promise<Site> {
  const [folder, other] = [diskFolder(), diskFolder()];
  const [path, good] = [join(folder, 'jwks.json'), join(other, 'jwks.json')];
  const records = recordsInMemory(remembering(1));
  const port = portOf({ publish: [toFile(path), toFile(good)], records });
  await write(port, before);
  return {
    port,
    records,
    folder,
    path,
    record: join(folder, '.jwks.json.jwtrot'),
    lock: join(folder, '.jwks.json.jwtrot-lock'),
    good,
  };
}

function hurried(port: OutletPort, content: OutletContent, timeout = 500) {
  const { signal } = new AbortController();
  return port.locked({ timeout, alone: true }, (writer) =>
    writer.write(content, async () => new Uint8Array(), { otherHistory: false, again: false, limit: 2_000, signal }),
  );
}

const holds = (path: string) => readFileSync(path, 'utf8').includes(leaked.thumbprint);

const THINGS: readonly (readonly [what: string, make: (path: string) => void])[] = [
  ['garbage', (path) => writeFileSync(path, 'x'.repeat(5_000))],
  ['a FIFO', (path) => execFileSync('mkfifo', [path])],
  ['a directory', (path) => mkdirSync(path)],
  ['a link to an endless file', (path) => symlinkSync('/dev/zero', path)],
  ['a dangling link', (path) => symlinkSync('/nonexistent/there', path)],
  ['a huge revision', (path) => writeFileSync(path, record(Number.MAX_SAFE_INTEGER))],
  ['a number beyond numbers', (path) => writeFileSync(path, record(1e300))],
  ['another history', (path) => writeFileSync(path, record(1, '__proto__'))],
];
const record = (revision: number, lineage = 'one') =>
  `${JSON.stringify({ schema: 2, keyset: 'api', lineage, revision })}\n`;

describe('in an incident, an outlet whose record has become', () => {
  it.each(THINGS)('%s loses the leaked key alone, and is named; the other is written', async (_what, make) => {
    const { port, path, record: at, good } = await site();
    unlinkSync(at);
    make(at);
    const { problems, publish } = await hurried(port, after);
    expect(publish).toBe(true);
    expect(problems).toMatchObject([
      { outlet: path, kind: 'services', code: expect.stringMatching(/^outlet-record-/) },
    ]);
    expect(problems[0]?.message).toContain(`${path} has lost ${leaked.thumbprint}, and is otherwise as it was`);
    expect(readFileSync(path, 'utf8')).toBe(jwkSetText(after.jwks));
    expect(readFileSync(good, 'utf8')).toBe(jwkSetText(after.jwks));
  });

  it('lost gains no key: its own record is left as it is', async () => {
    const { port, path, record: at } = await site();
    writeFileSync(at, 'garbage');
    const third = await newPair();
    const replaced = {
      ...contentOf(3, [third, active]),
      isIncident: true,
      retiring: after.retiring,
      knownKids: [...before.knownKids, third.thumbprint],
    };
    await hurried(port, replaced);
    expect(readFileSync(path, 'utf8')).toBe(jwkSetText(after.jwks));
    expect(readFileSync(at, 'utf8')).toBe('garbage');
  });
});

describe('in an incident, in the place of one outlet', () => {
  it.each(THINGS)('%s: it is named or mended, and the other is written', async (what, make) => {
    const { port, path, good } = await site();
    unlinkSync(path);
    make(path);
    const began = performance.now();
    const { problems } = await hurried(port, after);
    expect(performance.now() - began).toBeLessThan(2_000);
    // What was jwtrot's is jwtrot's: it is replaced, not read, but where rename(2) can't.
    expect(problems.map(({ outlet }) => outlet)).toEqual(what === 'a directory' ? [path] : []);
    if (what !== 'a directory') expect(readFileSync(path, 'utf8')).toBe(jwkSetText(after.jwks));
    expect(holds(good)).toBe(false);
  });

  it('a set of which nobody knows a key loses the leaked one; the stranger stays', async () => {
    const { port, path, good } = await site();
    const stranger = { kty: 'AKP', kid: 'mallory' };
    writeFileSync(path, JSON.stringify({ keys: [...before.jwks.keys, stranger] }));
    const { problems } = await hurried(port, after);
    expect(problems).toMatchObject([{ outlet: path, code: 'unknown-kid', kind: 'services' }]);
    expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual({ keys: [...after.jwks.keys, stranger] });
    expect(holds(good)).toBe(false);
  });

  it('a file that never was jwtrot’s stays, and so does another keyset’s', async () => {
    const { port, path, record: at, good, records } = await site();
    await records.update((was) => (was === null ? null : { ...was, outlets: [] }));
    unlinkSync(at);
    writeFileSync(path, 'hello\n');
    expect((await hurried(port, after)).problems).toMatchObject([{ outlet: path, code: 'foreign-file' }]);
    expect(readFileSync(path, 'utf8')).toBe('hello\n');
    writeFileSync(at, `${JSON.stringify({ schema: 2, keyset: 'web', lineage: 'w', revision: 1 })}\n`);
    expect((await hurried(port, after)).problems).toMatchObject([{ outlet: path, code: 'other-keyset' }]);
    expect(readFileSync(path, 'utf8')).toBe('hello\n');
    expect(holds(good)).toBe(false);
  });

  it('no directory any more', async () => {
    const { port, path, folder, good } = await site();
    renameSync(folder, `${folder}.away`);
    const { problems } = await hurried(port, after);
    expect(problems).toMatchObject([{ outlet: path, code: 'no-directory', kind: 'services' }]);
    expect(holds(good)).toBe(false);
    renameSync(`${folder}.away`, folder);
  });
});

describe('in an incident, in the place of one lock', () => {
  it.each([
    ['a FIFO', (path: string) => execFileSync('mkfifo', [path])],
    ['a directory', (path: string) => mkdirSync(path)],
    ['a link', (path: string) => symlinkSync('/dev/null', path)],
    [
      'a hard link',
      (path: string) => {
        writeFileSync(`${path}.victim`, '');
        linkSync(`${path}.victim`, path);
      },
    ],
  ])('%s: it is named, and the other outlet is written', async (_what, make) => {
    const { port, path, lock, good } = await site();
    unlinkSync(lock);
    make(lock);
    const { problems } = await hurried(port, after);
    expect(problems).toMatchObject([{ outlet: path, kind: 'services' }]);
    expect(holds(path)).toBe(true);
    expect(holds(good)).toBe(false);
  });

  it('one that somebody holds: the other outlet waits no two seconds for it', async () => {
    const { port, path, good } = await site();
    const began = performance.now();
    await portOf({ publish: [toFile(path)] }).locked({ timeout: 1_000, alone: false }, async () => {
      const { problems } = await hurried(port, after, 1_000);
      expect(problems).toMatchObject([{ outlet: path, code: 'outlet-busy', kind: 'services', passing: true }]);
      expect(problems[0]?.hint).toContain('fuser -v');
    });
    expect(holds(path)).toBe(true);
    expect(holds(good)).toBe(false);
    expect(performance.now() - began).toBeLessThan(4_000);
    expect((await hurried(port, after)).problems).toEqual([]);
    expect(holds(path)).toBe(false);
  });

  it('two names of one file are locked once', async () => {
    const folder = diskFolder();
    symlinkSync(folder, `${folder}/alias`);
    const port = portOf({ publish: [toFile(`${folder}/jwks.json`), toFile(`${folder}/alias/jwks.json`)] });
    expect((await hurried(port, after)).problems).toEqual([]);
  });
});

describe('in an incident, what fails of one outlet', () => {
  it('though nobody foresaw it, is named; the others are written', async () => {
    const { records, path, good } = await site();
    const broken = {
      get path(): string {
        return path;
      },
      get mode(): number {
        throw new TypeError("Cannot read properties of undefined (reading 'constructor')");
      },
      type: 'file' as const,
      format: 'jwks' as const,
      allowShared: false,
      url: null,
    };
    const port = portOf({ publish: [broken, toFile(good)], records });
    const [holding] = await port.observe(1_000);
    expect(holding).toMatchObject({
      outlet: path,
      keys: [],
      intact: false,
      problem: expect.stringContaining('TypeError'),
    });
    const { problems } = await hurried(port, after);
    expect(problems).toMatchObject([{ outlet: path, code: 'unforeseen', kind: 'services' }]);
    expect(holds(good)).toBe(false);
    await expect(tryToWrite(port, { ...after, isIncident: false })).rejects.toThrow(TypeError);
  });

  it('is the host’s own record, which keeps no outlet from being written', async () => {
    const { path, good } = await site();
    const refuse = async () => {
      throw new JwtrotError('refused', 'record-damaged', 'what this host remembers is damaged');
    };
    const port = portOf({ publish: [toFile(path), toFile(good)], records: { read: refuse, update: refuse } });
    const { problems, publish } = await hurried(port, after);
    expect(publish).toBe(true);
    expect([holds(path), holds(good)]).toEqual([false, false]);
    expect(new Set(problems.map(({ code }) => code))).toEqual(new Set(['record-damaged']));
    await expect(tryToWrite(port, { ...after, revision: 9, isIncident: false })).rejects.toThrow('damaged');
  });

  it('is a private key that does not come: what is published is written all the same', async () => {
    const { path, records } = await site();
    const secret = join(memoryFolder(), 'api.pem');
    const port = portOf({ publish: [toFile(path)], deliver: [toSecret(secret)], records });
    const never = () => new Promise<Uint8Array>(() => {});
    const { signal } = new AbortController();
    const { problems, publish } = await port.locked({ timeout: 500, alone: true }, (writer) =>
      writer.write(after, never, { otherHistory: false, again: false, limit: 300, signal }),
    );
    expect(publish).toBe(true);
    expect(problems).toMatchObject([{ outlet: secret, code: 'key-late' }]);
    expect(holds(path)).toBe(false);
  });

  it('is a command that hangs: it ends with the time that the incident has left', async () => {
    const { good, records, folder } = await site();
    const argv = ['/bin/sh', '-c', 'exec sleep 60'] as const;
    const hanging = {
      type: 'command',
      command: { argv, env: [] },
      format: 'jwks',
      timeout: 60_000,
      url: null,
    } as const;
    const port = portOf({ publish: [hanging, toFile(good)], records, stateDirectory: join(folder, 'state') });
    const began = performance.now();
    const writing = hurried(port, after);
    while (holds(good) && performance.now() - began < 10_000) await new Promise((go) => setTimeout(go, 20));
    expect(performance.now() - began).toBeLessThan(2_000);
    expect((await writing).problems).toMatchObject([{ outlet: 'command sh', code: 'outlet-command-failed' }]);
    expect(performance.now() - began).toBeLessThan(8_000);
  });
});

describe('in another history', () => {
  const elsewhere = (port: OutletPort) =>
    port.locked({ timeout: 500, alone: true }, (writer) =>
      writer.write(after, async () => new Uint8Array(), {
        otherHistory: true,
        again: false,
        limit: 2_000,
        signal: new AbortController().signal,
      }),
    );

  it('the leaked key leaves each outlet, and each is named', async () => {
    const { port, path, good, records } = await site();
    const { problems } = await elsewhere(port);
    expect(problems.map(({ outlet, code }) => `${code} ${outlet}`)).toEqual([
      `other-history ${path}`,
      `other-history ${good}`,
    ]);
    expect([holds(path), holds(good)]).toEqual([false, false]);
    // Known to hold what it was given, it is known to hold what is left of that.
    const sha256 = createHash('sha256').update(readFileSync(path)).digest('hex');
    expect((await records.read())?.outlets).toContainEqual({ outlet: path, sha256 });
  });

  it('what somebody else had changed is not taken for what this host gave it', async () => {
    const { port, path, records } = await site();
    const was = (await records.read())?.outlets.find(({ outlet }) => outlet === path);
    writeFileSync(path, JSON.stringify({ keys: [...before.jwks.keys].reverse() }));
    await elsewhere(port);
    expect(holds(path)).toBe(false);
    expect((await records.read())?.outlets).toContainEqual(was);
  });

  it('a delivered key goes when it is that one, and no other is put in its place', async () => {
    const folder = memoryFolder();
    const path = join(folder, 'api.jwk');
    const port = portOf({ deliver: [toSecret(path, { format: 'jwk' })] });
    await write(port, contentOf(1, [leaked]), { privateKey: keyFrom(leaked).ask });
    expect(existsSync(path)).toBe(true);
    const { deliver, problems } = await elsewhere(port);
    expect(deliver).toBe(true);
    expect(problems[0]?.message).toContain(`${path} has lost ${leaked.thumbprint}`);
    expect(readdirSync(folder).sort()).toEqual(['.api.jwk.jwtrot', '.api.jwk.jwtrot-lock']);
  });

  it('a command is given its last text less the key', async () => {
    const folder = diskFolder();
    const argv = ['/bin/sh', '-c', `cat > ${folder}/taken`] as const;
    const command = { type: 'command', command: { argv, env: [] }, format: 'jwks', timeout: 5_000, url: null } as const;
    const port = portOf({ publish: [command], stateDirectory: join(folder, 'state') });
    await write(port, before);
    expect(holds(join(folder, 'taken'))).toBe(true);
    await elsewhere(port);
    expect(readFileSync(join(folder, 'taken'), 'utf8')).toBe(jwkSetText(after.jwks));
  });
});
