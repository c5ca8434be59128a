import type { Stats } from 'node:fs';
import { lstat } from 'node:fs/promises';
import { type ParsedKey, parseKey } from '../keys/import-key.js';
import { toPkcs8Pem, toPrivateJwk } from '../keys/private-key.js';
import { isAlgorithm } from '../keyset/basics/algorithm.js';
import { toldIn } from '../keyset/published/told.js';
import { forbidCoreDumps } from '../outside/core-dumps.js';
import { dropKeyObjectsSoon } from '../outside/key-objects.js';
import { resolveOwnership } from './accounts.js';
import type { DeliverFile, PublishOutlet } from './configured.js';
import { type FileFound, readOutletFile } from './read-file.js';
import { NOTHING, type Sight, sha256Of, sightOfText, UNREADABLE } from './sight.js';

export type PublishFile = Extract<PublishOutlet, { type: 'file' }>;

/** @param path the outlet's own path, or one through its open directory */
export async function observePublishFile(outlet: PublishFile, path: string): Promise<Sight> {
  if (await isStrangersLink(path)) return UNREADABLE;
  const found = await readOutletFile(path, { follow: true });
  if (found === 'absent') return NOTHING;
  if (found === 'unreadable') return UNREADABLE;
  const sight = await sightOfText(found.bytes.toString('utf8'), outlet.format);
  // Another owner could change the file at any time, whatever it holds now.
  const isOurs = isTrusted(found.stats) && (found.stats.mode & 0o7777) === outlet.mode;
  return { ...sight, intact: sight.intact && isOurs };
}

/** Others who may write here can plant a link to any file that jwtrot can read. */
async function isStrangersLink(path: string): Promise<boolean> {
  const facts = await lstat(path).catch(() => null);
  return facts?.isSymbolicLink() === true && !isTrusted(facts);
}

/** Belongs to root or this process. */
export function isTrusted({ uid }: Stats): boolean {
  return uid === 0 || uid === (process.geteuid?.() ?? 0);
}

/** Reads a delivered private key, and overwrites what it read. */
export async function observeDelivered(outlet: DeliverFile, path: string): Promise<Sight> {
  await forbidCoreDumps();
  const found = await readOutletFile(path, { follow: false });
  if (found === 'absent') return NOTHING;
  if (found === 'unreadable') return UNREADABLE;
  const there = { ...UNREADABLE, sha256: sha256Of(found.bytes) };
  let key: ParsedKey | undefined;
  try {
    if (found.bytes.length === 0) return { ...UNREADABLE, foreign: false, isThere: false };
    key = await parseKey(found.bytes, { kind: 'any' });
    const { thumbprint, publicJwk, alg } = key;
    const keys = [{ kid: outlet.format === 'jwk' ? key.kid : null, thumbprint, publicJwk, alg }];
    const intact = isExact(found.bytes, key, outlet.format) && (await hasAttributes(found, outlet));
    return { ...there, keys, intact, foreign: false, alg, told: toldIn(key.jwtrot) };
  } catch {
    return there;
  } finally {
    key?.privateKey?.fill(0);
    found.bytes.fill(0);
    dropKeyObjectsSoon();
  }
}

function isExact(bytes: Buffer, { privateKey, kid, alg, jwtrot }: ParsedKey, format: DeliverFile['format']): boolean {
  if (privateKey === null) return false;
  if (format === 'jwk' && (kid === null || !isAlgorithm(alg))) return false;
  const expected =
    format === 'jwk' && kid !== null && isAlgorithm(alg)
      ? toPrivateJwk(privateKey, { kid, alg, told: toldIn(jwtrot) })
      : toPkcs8Pem(privateKey);
  try {
    return expected.equals(bytes);
  } finally {
    expected.fill(0);
  }
}

async function hasAttributes({ stats }: Exclude<FileFound, string>, outlet: DeliverFile): Promise<boolean> {
  const { uid, gid } = await resolveOwnership(outlet.owner, outlet.group).catch(() => ({ uid: -2, gid: -2 }));
  return (
    (stats.mode & 0o7777) === outlet.mode && (uid === -1 || uid === stats.uid) && (gid === -1 || gid === stats.gid)
  );
}
