import type { Instant } from '../keyset/basics/clock.js';
import { decodeJson, isJsonObject } from '../keyset/basics/foreign-json.js';
import { type Told, toldIn } from '../keyset/published/told.js';
import { replaceFile } from './atomic-file.js';
import type { OutletDirectory } from './directory.js';
import { readOutletFile } from './read-file.js';

/** The key that a deliver command was last given. Nothing in it is secret. */
export interface Delivered {
  readonly kid: string;
  readonly thumbprint: string;
  readonly alg: string;
  readonly revision: number;
  readonly told: Told | null;
  /** Of what the command read, hex. */
  readonly sha256: string;
  /** False from just before the command starts until `holds` has named the key: in between it may lie there by half. */
  readonly settled: boolean;
  /** As in `Given`. */
  readonly until: Instant | null;
}

/** @param path of the record @returns 'none' if no command was given a key yet */
export async function readDelivered(path: string): Promise<Delivered | 'none' | 'damaged'> {
  const found = await readOutletFile(path, { follow: false });
  if (found === 'absent') return 'none';
  if (found === 'unreadable') return 'damaged';
  const decoded = decodeJson(found.bytes.toString('utf8'));
  if (!decoded.ok || !isJsonObject(decoded.value)) return 'damaged';
  const { schema, kid, thumbprint, alg, revision, told = null, sha256, settled, until } = decoded.value;
  if (schema !== 1 || typeof kid !== 'string' || typeof thumbprint !== 'string' || typeof alg !== 'string')
    return 'damaged';
  if (typeof revision !== 'number' || typeof sha256 !== 'string') return 'damaged';
  const named = { kid, thumbprint, alg, revision, told: toldIn(told), sha256 };
  return { ...named, settled: settled === true, until: typeof until === 'number' ? until : null };
}

export async function writeDelivered(
  directory: OutletDirectory,
  name: string,
  delivered: Delivered,
  id: string,
): Promise<void> {
  const content = Buffer.from(`${JSON.stringify({ schema: 1, ...delivered })}\n`);
  await replaceFile(directory, name, { content, mode: 0o600, uid: -1, gid: -1 }, id);
}
