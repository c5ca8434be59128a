import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { diskFolder } from '../outlets/support.js';
import type { RotateDocument, Site, StatusDocument } from './fixtures.js';
import { kidOf } from './look.js';
import { runAll, scene } from './scene.js';

let site: Site;
const fresh = scene(async () => {});
const rotated = scene((made) => runAll(made, 'rotate'));

async function states(): Promise<string[]> {
  const { document } = await site.world.json<StatusDocument>(['status']);
  return document.keysets[0]!.keys.map((key) => `v${key.version} ${key.state}`);
}

async function expectHeld(reason: RegExp): Promise<void> {
  const { code, stderr } = await site.world.run(['rotate', '--immediate']);
  expect(code).not.toBe(0);
  expect(stderr).toMatch(reason);
  expect((await states()).filter((state) => state.endsWith(' active'))).toEqual(['v1 active']);
}

describe('a key that could not be delivered', () => {
  it('does not become active where it would be the first: nobody signs with what can’t be delivered', async () => {
    site = await fresh();
    const deliver = [
      { file: `${site.world.path('private')}/api.jwk`, format: 'jwk', allowDisk: true, group: 'no-such-group' },
    ];
    site.world.configure(site.configuration({ deliver }));
    const { code, stderr } = await site.world.run(['rotate']);
    expect(code).toBe(4);
    expect(stderr).toMatch(/the signing key can't be delivered: there is no group no-such-group .*; no key signs yet/);
    expect(await states()).toEqual(['v1 pending']);
    site.world.configure(site.configuration());
    const { document } = await site.world.json<RotateDocument>(['rotate', '--force']);
    expect(document.keysets[0]).toMatchObject({ outcome: 'rotated' });
    // The trial has left nothing behind.
    expect(readdirSync(site.world.path('private')).filter((name) => name.includes('tmp'))).toEqual([]);
  });

  it('does not become active: its directory is not there', async () => {
    site = await rotated();
    rmSync(site.world.path('private'), { recursive: true });
    await expectHeld(/there is no directory \S+private/);
    site.world.folderFor('private');
    const { document } = await site.world.json<RotateDocument>(['rotate', '--force', '--immediate']);
    expect(document.keysets[0]).toMatchObject({ outcome: 'rotated' });
  });

  it('becomes active by the command that the hint ends with: without --force the back-off goes on', async () => {
    site = await fresh();
    rmSync(site.world.path('private'), { recursive: true });
    const { stderr } = await site.world.run(['rotate']);
    expect(stderr).toMatch(/\nhint: create it: install -d \S+ \S+ \S+private; then jwtrot rotate --force\n/);
    site.world.folderFor('private');
    expect((await site.world.run(['rotate'])).stdout).toMatch(/^api: backing off; /);
    expect((await site.world.run(['rotate', '--force'])).stdout).toMatch(/^api: rotated; /);
  });

  it('does not become active: its directory is on a disk', async () => {
    site = await rotated();
    const file = `${diskFolder()}/api.jwk`;
    site.world.configure(site.configuration({ deliver: [{ file, format: 'jwk' }] }));
    const { code, stderr } = await site.world.run(['rotate', '--immediate']);
    expect(code).toBe(5);
    expect(stderr).toMatch(/api\.jwk was left as it is: \S+ is not on a tmpfs or ramfs: .*\nhint: .*allowDisk: true\n/);
    expect(await states()).toContain('v1 active');
    expect(existsSync(file)).toBe(false);
  });

  it('does not become active: others may write in its directory', async () => {
    site = await rotated();
    chmodSync(site.world.path('private'), 0o777);
    await expectHeld(/group or others can write in it/);
  });

  it('is replaced by an ordinary rotation where it signs already, its KEK is lost, and its file as well', async () => {
    site = await rotated();
    writeFileSync(site.world.path('kek'), `${randomBytes(32).toString('base64')}\n`, { mode: 0o600 });
    rmSync(site.world.path('private/api.jwk'));
    const first = await site.world.json<RotateDocument>(['rotate']);
    expect(first.code).toBe(5);
    expect(first.document.keysets[0]?.problems).toMatchObject([
      { code: 'kek-wrong', hint: expect.stringMatching(/replace it with jwtrot rotate --force$/) },
    ]);
    expect(first.document.keysets[0]?.problems[0]?.message).toMatch(/; the signing key was not delivered$/);
    const forced = await site.world.json<RotateDocument>(['rotate', '--force', '--immediate']);
    expect(forced).toMatchObject({ code: 0, document: { keysets: [{ outcome: 'rotated', problems: [] }] } });
    expect(existsSync(site.world.path('private/api.jwk'))).toBe(true);
    expect(await states()).toEqual(expect.arrayContaining(['v1 deprecated', 'v2 active']));
  });

  it('replaces a leaked one all the same', async () => {
    site = await rotated();
    chmodSync(site.world.path('private'), 0o777);
    await site.world.run(['retire', '--kid', await kidOf(site, 1), '--yes', '--deadline', '2s']);
    expect(await states()).toEqual(expect.arrayContaining(['v1 retired', 'v2 active']));
  });
});

interface Case {
  readonly what: string;
  /** Before the first rotation, else after it. */
  readonly isFirst: boolean;
  readonly breaks: () => void;
  readonly code: number;
  readonly says: RegExp;
}

const deliverTo = (file: string, more: object = {}) =>
  site.world.configure(site.configuration({ deliver: [{ file, format: 'jwk', allowDisk: true, ...more }] }));
const key = () => `${site.world.path('private')}/api.jwk`;
const GROUP = { group: 'no-such-group' };

const CASES: readonly Case[] = [
  {
    what: 'an absent group, before the switch',
    isFirst: true,
    breaks: () => deliverTo(key(), GROUP),
    code: 4,
    says: /the signing key can't be delivered: there is no group no-such-group/,
  },
  {
    what: 'an absent group, for the key that signs already',
    isFirst: false,
    breaks: () => {
      rmSync(key());
      deliverTo(key(), GROUP);
    },
    code: 2,
    says: /there is no group no-such-group/,
  },
  {
    what: 'an absent directory of a key',
    isFirst: true,
    breaks: () => rmSync(site.world.path('private'), { recursive: true }),
    code: 4,
    says: /there is no directory \S+private; nothing was written there\nhint: create it: install -d/,
  },
  {
    what: 'absent parents of a JWKS',
    isFirst: true,
    breaks: () =>
      site.world.configure(site.configuration({ publish: [{ file: site.world.path('absent/too/jwks.json') }] })),
    code: 4,
    says: /there is no directory \S+absent\/too; nothing was written there/,
  },
  {
    what: 'a directory that others may write in',
    isFirst: true,
    breaks: () => chmodSync(site.world.path('private'), 0o777),
    code: 5,
    says: /private is no safe place for a private key: group or others can write in it/,
  },
  {
    what: 'a name that no temporary file fits beside',
    isFirst: true,
    breaks: () => deliverTo(`${site.world.path('private')}/${'k'.repeat(250)}`),
    code: 4,
    says: /cannot write \S+kkk: its name is too long/,
  },
];

/** What is there, and whether anything was made in between. */
function traces(): unknown {
  const { folder } = site.world;
  return ['', 'public', 'private', 'store', 'records']
    .map((name) => `${folder}/${name}`)
    .map((path) => [path, statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? null]);
}

describe('rotate --dry-run', () => {
  it.each(CASES)('finds $what, changes nothing, and exits as the run does', async ({ isFirst, breaks, code, says }) => {
    site = await (isFirst ? fresh() : rotated());
    breaks();
    const before = traces();
    const dry = await site.world.run(['rotate', '--dry-run', '--force', '--immediate']);
    expect(traces()).toEqual(before);
    expect(dry).toMatchObject({ code, stderr: expect.stringMatching(says), stdout: expect.stringContaining('would') });
    const real = await site.world.run(['rotate', '--force', '--immediate']);
    expect(real).toMatchObject({ code, stderr: expect.stringMatching(says) });
  });

  it('says nothing where all can be written', async () => {
    site = await fresh();
    const { code, document } = await site.world.json<RotateDocument>(['rotate', '--dry-run']);
    expect(code).toBe(0);
    expect(document.keysets[0]!.problems).toEqual([]);
  });
});
