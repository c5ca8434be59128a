import { join } from 'node:path';
import { type Clock, type Instant, SECOND } from '../../keyset/basics/clock.js';
import { JwtrotError } from '../../keyset/basics/error.js';
import { decodeManifest } from '../../keyset/manifest/encoding.js';
import type { PublicJwk } from '../../keyset/manifest/key.js';
import { KEYSET_NAME, type Manifest } from '../../keyset/manifest/model.js';
import { storeFailure } from '../../outside/disk-failure.js';
import { type Files, namesIn, readRecord, realFiles, unlessMissing } from '../../outside/durable-files.js';
import { errnoOf } from '../../outside/errno.js';
import { keyDamaged } from '../key-errors.js';
import { decodeKey } from '../wrapped-key-record.js';
import { keyFileOf, keyFilesIn } from './keys.js';
import { foreign, nameOf, readNewestText } from './revision-files.js';
import { isRootThere } from './root.js';

/*
 * Everything that a directory store holds, as texts. A backup is made of them, and a restored store is made from them.
 */

export interface StoredKey {
  readonly thumbprint: string;
  /** The record, byte for byte. */
  readonly text: string;
  /** When its recovery window ends; null: nobody ordered its deletion. */
  readonly goneAt: Instant | null;
}

export interface StoredKeyset {
  readonly name: string;
  /** Null: its folder holds keys but no manifest. */
  readonly manifest: { readonly revision: number; readonly text: string } | null;
  readonly keys: readonly StoredKey[];
}

/** A keyset that was read, and its decoded manifest. */
export interface CheckedKeyset extends StoredKeyset {
  readonly decoded: Manifest | null;
}

export interface ContentsOptions {
  /** The store. */
  readonly path: string;
  readonly clock: Clock;
  readonly uid: number;
  readonly thumbprintOf: (jwk: PublicJwk) => Promise<string>;
  readonly files?: Files;
}

const ATTEMPTS = 20;

/**
 * Reads consistent keysets even while runs write them: if a keyset's manifest has moved on, it reads the keyset again.
 * @throws JwtrotError `manifest-damaged`, `key-damaged`; `store-busy` if a keyset is written all the time
 */
export async function readContents(options: ContentsOptions): Promise<CheckedKeyset[]> {
  const { path, uid, files = realFiles } = options;
  if (!(await isRootThere(files, path, uid))) return [];
  try {
    const names = (await namesIn(files, path)).filter((name) => KEYSET_NAME.test(name)).sort();
    const found = await inTurn(names, (name) =>
      readKeyset(options, files, name).catch(async (error: unknown) => {
        throw storeFailure(
          error,
          `read keyset ${name}`,
          await blamed(error, options, files, name),
          'nothing was changed',
        );
      }),
    );
    return found.filter((keyset) => keyset.manifest !== null || keyset.keys.length > 0);
  } catch (error) {
    throw storeFailure(error, 'read the store', path, 'nothing was changed');
  }
}

async function inTurn<T, U>(items: readonly T[], work: (item: T) => Promise<U>): Promise<U[]> {
  const done: U[] = [];
  for (const item of items) done.push(await work(item));
  return done;
}

/** The path to blame, within one keyset: a hint to move it away must not move other keysets. */
async function blamed(error: unknown, { path }: ContentsOptions, files: Files, name: string): Promise<string> {
  const keyset = join(path, name);
  if (errnoOf(error) !== 'ENOTDIR') return keyset;
  for (const one of [keyset, join(keyset, 'manifest'), join(keyset, 'keys')]) {
    const facts = await files.lstat(one).catch(() => null);
    if (facts !== null && !facts.isDirectory()) return one;
  }
  return keyset;
}

async function readKeyset(options: ContentsOptions, files: Files, name: string): Promise<CheckedKeyset> {
  const folder = join(options.path, name, 'manifest');
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const manifest = await readNewestText({ files, folder, keyset: name });
    const keys = await readKeys(files, join(options.path, name, 'keys'));
    const after = await readNewestText({ files, folder, keyset: name });
    // A run commits before each effect, so whatever it moved meanwhile shows in the manifest.
    if (keys !== null && manifest?.text === after?.text) {
      return checkKeyset({ name, manifest, keys }, options).catch((error: unknown) => {
        const revision = manifest?.revision ?? 0;
        throw foreign(error, join(folder, nameOf(revision)), revision);
      });
    }
    await options.clock.sleep(Math.min(SECOND, 20 * 2 ** attempt));
  }
  throw new JwtrotError(
    'store',
    'store-busy',
    `keyset ${name} was written each time it was read; nothing was written`,
    {
      hint: 'run it again when no jwtrot is at work: jwtrot status',
    },
  );
}

/** Null: a listed key is gone, since its deletion was ordered in between. */
async function readKeys(files: Files, folder: string): Promise<StoredKey[] | null> {
  const keys: StoredKey[] = [];
  for (const { thumbprint, goneAt } of await keyFilesIn(files, folder)) {
    const path = join(folder, keyFileOf(thumbprint, goneAt));
    const text = await readRecord(files, path, (why) => keyDamaged(path, why));
    if (text === null) return null;
    keys.push({ thumbprint, text, goneAt });
  }
  return keys;
}

/** Makes all the checks that a store makes when it reads. */
export async function checkKeyset(
  keyset: StoredKeyset,
  { path, thumbprintOf }: Pick<ContentsOptions, 'path' | 'thumbprintOf'>,
): Promise<CheckedKeyset> {
  const { name, manifest, keys } = keyset;
  for (const { thumbprint, text } of keys) decodeKey({ keyset: name, thumbprint }, text, `${path} (${name})`);
  const decoded = manifest === null ? null : await decodeManifest(manifest.text, name, path, thumbprintOf);
  if (decoded !== null && decoded.revision < (manifest?.revision ?? 0)) {
    throw new JwtrotError(
      'refused',
      'manifest-damaged',
      `${path} holds revision ${decoded.revision} of keyset ${name} as revision ${manifest?.revision}; nothing was changed`,
      { hint: 'restore it from a backup' },
    );
  }
  // `store recover` jumps ahead, so its first revision lies under a lower number.
  const held = manifest === null || decoded === null ? null : { revision: decoded.revision, text: manifest.text };
  return { name, keys, manifest: held, decoded };
}

/** Keys in use whose secret is missing: a backup can't hold what the store has lost. */
export function lostKeys({ decoded, keys }: CheckedKeyset): { readonly kid: string; readonly state: string }[] {
  const there = new Set(keys.filter((key) => key.goneAt === null).map((key) => key.thumbprint));
  const inUse = new Set(['pending', 'active', 'deprecated']);
  const lost = (decoded?.keys ?? []).filter(
    (key) => key.hasPrivate && inUse.has(key.state) && !there.has(key.thumbprint),
  );
  return lost.map(({ kid, state }) => ({ kid, state }));
}

/** The names in a store's directory, none of which may be overwritten. Empty if the directory is absent or empty. */
export async function namesInStore({
  path,
  files = realFiles,
}: Pick<ContentsOptions, 'path' | 'files'>): Promise<string[]> {
  try {
    return (await unlessMissing(files.readdir(path), [])).sort();
  } catch (error) {
    throw storeFailure(error, 'read the store', path, 'nothing was changed');
  }
}
