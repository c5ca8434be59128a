import { type ParsedKey, parseKey } from '../keys/import-key.js';
import { toPkcs8Pem, toPrivateJwk } from '../keys/private-key.js';
import { isAlgorithm } from '../keyset/algorithm.js';
import { resolveOwnership } from './accounts.js';
import type { DeliverOutlet, PublishOutlet } from './outlet.js';
import { type FileFound, readOutletFile } from './read-file.js';
import { NOTHING, type Sight, sightOfText, UNREADABLE } from './sight.js';

export type PublishFile = Extract<PublishOutlet, { type: 'file' }>;

/** @param path the way to it: the outlet's own path, or one through its open directory */
export async function observePublishFile(outlet: PublishFile, path: string): Promise<Sight> {
  const found = await readOutletFile(path, { follow: true });
  if (found === 'absent') return NOTHING;
  if (found === 'unreadable') return UNREADABLE;
  const sight = await sightOfText(found.bytes.toString('utf8'), outlet.format);
  return { ...sight, intact: sight.intact && (found.stats.mode & 0o7777) === outlet.mode };
}

/** Reads a delivered private key; what was read is overwritten. */
export async function observeDelivered(outlet: DeliverOutlet, path: string): Promise<Sight> {
  const found = await readOutletFile(path, { follow: false });
  if (found === 'absent') return NOTHING;
  if (found === 'unreadable') return UNREADABLE;
  let key: ParsedKey | undefined;
  try {
    if (found.bytes.length === 0) return { ...UNREADABLE, foreign: false };
    key = await parseKey(found.bytes, { kind: 'any' });
    const keys = [{ kid: outlet.format === 'jwk' ? key.kid : null, thumbprint: key.thumbprint }];
    const intact = isExact(found.bytes, key, outlet.format) && (await hasAttributes(found, outlet));
    return { keys, intact, foreign: false, text: null, alg: key.alg };
  } catch {
    return UNREADABLE;
  } finally {
    key?.privateKey?.fill(0);
    found.bytes.fill(0);
  }
}

function isExact(bytes: Buffer, { privateKey, kid, alg }: ParsedKey, format: DeliverOutlet['format']): boolean {
  if (privateKey === null) return false;
  if (format === 'jwk' && (kid === null || !isAlgorithm(alg))) return false;
  const expected =
    format === 'jwk' && kid !== null && isAlgorithm(alg)
      ? toPrivateJwk(privateKey, { kid, alg })
      : toPkcs8Pem(privateKey);
  try {
    return expected.equals(bytes);
  } finally {
    expected.fill(0);
  }
}

async function hasAttributes({ stats }: Exclude<FileFound, string>, outlet: DeliverOutlet): Promise<boolean> {
  const { uid, gid } = await resolveOwnership(outlet.owner, outlet.group).catch(() => ({ uid: -2, gid: -2 }));
  return (
    (stats.mode & 0o7777) === outlet.mode && (uid === -1 || uid === stats.uid) && (gid === -1 || gid === stats.gid)
  );
}
