import { createPublicKey } from 'node:crypto';
import { opendir } from 'node:fs/promises';
import { publicJwkOfKey, toSpkiPem } from '../keys/public-key.js';
import { thumbprintOf } from '../keys/thumbprint.js';
import { decodeJson, isJsonObject } from '../keyset/basics/foreign-json.js';
import type { PublicJwk } from '../keyset/manifest/key.js';
import type { OutletContent } from '../keyset/published/jwk-set.js';
import { errnoOf } from '../outside/errno.js';
import { readGuarded } from '../outside/read-file.js';
import { isTrusted } from './observe.js';
import { NOTHING, type Sight, sha256Of, UNREADABLE } from './sight.js';

/*
 * A directory of PEM files, one for each key, is handled as one text: the JWK Set that its files spell, sorted by kid.
 * All rules for a JWKS file then hold for it, too.
 */

/** A key as its file shows it. */
export interface PemEntry {
  readonly kid: string;
  readonly publicJwk: PublicJwk;
  /** How the file differs from the one that jwtrot writes for this key; null: not at all. */
  readonly differs: 'text' | 'owner' | 'mode' | null;
}

const END = '.pem';
/** A file's name has at most 255 bytes. */
const FILE_KID = /^[A-Za-z0-9_~@=+,:-][A-Za-z0-9._~@=+,:-]{0,199}$/;
/** Bytes. More than any public key in PEM. */
const LONGEST = 64 * 1024;
/** Of `.pem` files; more keys than a manifest has room for. */
const MOST_KEYS = 500;
/** Of anything. Others may fill the directory. */
const MOST_NAMES = 200_000;

const CROWDED = `its keys can't be told among more than ${MOST_KEYS} .pem files, or ${MOST_NAMES} names: give them a directory of their own`;

/** Whether a key with this kid can have a file `<kid>.pem`: no separator, no hidden file, nothing that a shell expands. */
export function isFileKid(kid: string): boolean {
  return FILE_KID.test(kid);
}

/** A key to publish that can't have a file; null: all can. */
export function unnameableKid({ jwks }: OutletContent): string | null {
  return jwks.keys.find(({ kid }) => !isFileKid(kid))?.kid ?? null;
}

export function pemName(kid: string): string {
  return `${kid}${END}`;
}

/** The keys that a directory must hold. */
export function pemEntries({ jwks }: OutletContent): PemEntry[] {
  return jwks.keys.map(({ kid, alg: _, use: _use, ...publicJwk }) => ({ kid, publicJwk, differs: null }));
}

/** The text that stands for a directory with these files. */
export function pemFilesText(entries: readonly PemEntry[]): string {
  const sorted = [...entries].sort((a, b) => (a.kid < b.kid ? -1 : 1));
  const keys = sorted.map(({ kid, publicJwk, differs }) => ({
    ...publicJwk,
    kid,
    ...(differs === null ? {} : { differs }),
  }));
  return `${JSON.stringify({ keys }, null, 2)}\n`;
}

/** @param text of `pemFilesText` */
export function readPemFilesText(text: string): PemEntry[] {
  const decoded = decodeJson(text);
  const keys = decoded.ok && isJsonObject(decoded.value) ? decoded.value['keys'] : null;
  if (!Array.isArray(keys)) throw new Error('this text was not written for a directory');
  return keys.map((key) => {
    const { kid, differs = null, ...publicJwk } = key as Record<string, unknown>;
    return { kid, publicJwk, differs } as unknown as PemEntry;
  });
}

/** Everything in a directory that is a key. Other files don't count. @param mode of jwtrot's own files */
export async function observePemFiles(folder: string, mode: number): Promise<Sight> {
  const kids = await kidsIn(folder);
  if (kids === null) return { ...UNREADABLE, problem: CROWDED };
  const entries: PemEntry[] = [];
  for (const kid of kids) {
    const entry = await readPemFile(folder, kid, mode);
    if (entry !== null) entries.push(entry);
  }
  if (entries.length === 0) return { ...NOTHING, intact: true };
  const text = pemFilesText(entries);
  const keys = await Promise.all(
    entries.map(async ({ kid, publicJwk }) => ({ kid, publicJwk, thumbprint: await thumbprintOf(publicJwk) })),
  );
  const intact = entries.every(({ differs }) => differs === null);
  return { ...NOTHING, keys, intact, isThere: true, sha256: sha256Of(text), text };
}

/** @returns null when there are too many names to look at */
async function kidsIn(folder: string): Promise<string[] | null> {
  const kids: string[] = [];
  let seen = 0;
  try {
    for await (const { name } of await opendir(folder, { bufferSize: 1_024 })) {
      seen += 1;
      if (name.endsWith(END) && !name.startsWith('.')) kids.push(name.slice(0, -END.length));
      if (seen > MOST_NAMES || kids.length > MOST_KEYS) return null;
    }
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
  return kids.sort();
}

/** @returns null when there is no such file, or it is no public key: never a link, a directory or a FIFO */
export async function readPemFile(folder: string, kid: string, mode: number): Promise<PemEntry | null> {
  const read = await readGuarded(`${folder}/${pemName(kid)}`, { limit: LONGEST, links: 'refuse' });
  if (!read.ok) return null;
  const text = read.bytes.toString('utf8');
  const publicJwk = publicKeyIn(text);
  if (publicJwk === null) return null;
  if (toSpkiPem(publicJwk) !== text) return { kid, publicJwk, differs: 'text' };
  if (!isTrusted(read.stats)) return { kid, publicJwk, differs: 'owner' };
  return { kid, publicJwk, differs: (read.stats.mode & 0o7777) === mode ? null : 'mode' };
}

/** A verifier also finds the key among other text. A certificate and a private key are none. */
function publicKeyIn(text: string): PublicJwk | null {
  const block = /-----BEGIN ((?:RSA )?PUBLIC KEY)-----[^-]*-----END \1-----/.exec(text)?.[0];
  if (block === undefined) return null;
  try {
    return publicJwkOfKey(createPublicKey(block));
  } catch {
    return null;
  }
}
