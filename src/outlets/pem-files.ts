import { createPublicKey } from 'node:crypto';
import { opendir } from 'node:fs/promises';
import { publicNumbersOf, toSpkiPem } from '../keys/public-key.js';
import { thumbprintOf } from '../keys/thumbprint.js';
import { decodeJson, isJsonObject } from '../keyset/basics/foreign-json.js';
import type { PublicJwk } from '../keyset/manifest/key.js';
import type { OutletContent } from '../keyset/published/jwk-set.js';
import { errnoOf } from '../outside/errno.js';
import { readGuarded } from '../outside/read-file.js';
import { isTrusted } from './observe.js';
import type { HeldKey } from './outlet.js';
import { NOTHING, type Sight, sha256Of, UNREADABLE } from './sight.js';

/*
 * A directory of PEM files, one for each key, is handled as one text: the JWK Set that its files spell, sorted by kid.
 * All rules for a JWKS file then hold for it, too.
 */

/** A key as its file shows it. */
export interface PemEntry {
  readonly kid: string;
  /** Null: it may be any key. */
  readonly publicJwk: PublicJwk | null;
  /** How the file differs from the one that jwtrot writes for this key; null: not at all. */
  readonly differs: 'unread' | 'text' | 'owner' | 'mode' | null;
}

const END = '.pem';
const BEGIN = '-----BEGIN';
/** A file's name has at most 255 bytes. */
const FILE_KID = /^[A-Za-z0-9_~@=+,:-][A-Za-z0-9._~@=+,:-]{0,199}$/;
/** Bytes. More than any public key in PEM. */
const LONGEST = 16 * 1024;
/** Of `.pem` files; more keys than a manifest has room for. */
export const MOST_KEYS = 500;
/** Of anything. Others may fill the directory. */
export const MOST_NAMES = 200_000;

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
    return { kid, publicJwk: differs === 'unread' ? null : publicJwk, differs } as unknown as PemEntry;
  });
}

/** Everything in a directory that is a key, or may be one. Other files don't count. @param mode of jwtrot's own files */
export async function observePemFiles(folder: string, mode: number): Promise<Sight> {
  const kids = await kidsIn(folder, MOST_KEYS);
  if (kids === null) return { ...UNREADABLE, problem: CROWDED };
  const entries: PemEntry[] = [];
  for (const kid of kids) {
    const entry = await readPemFile(folder, kid, mode);
    if (entry !== null) entries.push(entry);
  }
  if (entries.length === 0) return { ...NOTHING, intact: true };
  const text = pemFilesText(entries);
  const keys = await Promise.all(entries.map(heldKey));
  const intact = entries.every(({ differs }) => differs === null);
  return { ...NOTHING, keys, intact, isThere: true, sha256: sha256Of(text), text };
}

/** Of its `.pem` files. @returns null when there are more than `most`, or too many names to look at */
export async function kidsIn(folder: string, most: number): Promise<string[] | null> {
  const kids: string[] = [];
  let seen = 0;
  try {
    for await (const { name } of await opendir(folder, { bufferSize: 1_024 })) {
      seen += 1;
      if (name.endsWith(END) && !name.startsWith('.')) kids.push(name.slice(0, -END.length));
      if (seen > MOST_NAMES || kids.length > most) return null;
    }
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
  return kids.sort();
}

/** What lies under the name of a kid; null: no key. */
export async function findPemFile(folder: string, kid: string): Promise<HeldKey | null> {
  const found = isFileKid(kid) ? await readPemFile(folder, kid, 0) : null;
  return found && heldKey(found);
}

async function heldKey({ kid, publicJwk }: PemEntry): Promise<HeldKey> {
  if (publicJwk === null) return { kid, thumbprint: '' };
  return { kid, publicJwk, thumbprint: await thumbprintOf(publicJwk) };
}

/** @returns null when there is no such file, or no key is in it. A link may lead to any key, now or later. */
export async function readPemFile(folder: string, kid: string, mode: number): Promise<PemEntry | null> {
  const unread = { kid, publicJwk: null, differs: 'unread' } as const;
  // Its name is not UTF-8, so it can't be opened by this one.
  if (kid.includes('\ufffd')) return unread;
  const read = await readGuarded(`${folder}/${pemName(kid)}`, { limit: LONGEST, links: 'refuse' });
  if (!read.ok) {
    const { problem } = read;
    const isNone = problem.type === 'absent' || (problem.type === 'not-a-file' && problem.what === 'directory');
    return isNone ? null : unread;
  }
  const text = read.bytes.toString('latin1');
  if (!text.includes(BEGIN)) return null;
  const publicJwk = publicKeyIn(text);
  if (publicJwk === null) return unread;
  if (toSpkiPem(publicJwk) !== text) return { kid, publicJwk, differs: 'text' };
  if (!isTrusted(read.stats)) return { kid, publicJwk, differs: 'owner' };
  return { kid, publicJwk, differs: (read.stats.mode & 0o7777) === mode ? null : 'mode' };
}

/**
 * The key in a text with one block, maybe among other text, or in a certificate. Verifiers differ in which of several
 * blocks they take.
 * @returns null if it can't be told
 */
function publicKeyIn(text: string): PublicJwk | null {
  const [, label = '', ...others] = text.split(BEGIN);
  if (others.length > 0 || !/^ ((RSA )?PUBLIC KEY|CERTIFICATE)-----/.test(label)) return null;
  try {
    const publicJwk = publicNumbersOf(createPublicKey(text));
    // A curve that has no JWK of its own can't be written back.
    toSpkiPem(publicJwk);
    return publicJwk;
  } catch {
    return null;
  }
}
