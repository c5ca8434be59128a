import { join } from 'node:path';
import { decodeJson, isJsonObject } from '../keyset/basics/foreign-json.js';
import type { OutletWritten } from '../keyset/history/other-history.js';
import { readGuarded } from '../outside/read-file.js';
import { replaceFile } from './atomic-file.js';
import type { OutletDirectory } from './directory.js';
import { recordName } from './names.js';

/*
 * The record beside an outlet, `.NAME.jwtrot`, says from which history and revision the outlet was last written. It
 * exists only where nobody but jwtrot and root may write: others could forge it. It is replaced by rename, so no crash
 * tears it, and it is durable before the outlet is touched. It never takes a key out of an outlet; it can only keep one
 * from being added.
 */

export type OutletRecord = OutletWritten;

/** `kept nowhere`: others may write beside the outlet. `damaged`: what is there is not a record of jwtrot's. */
export type FoundRecord = OutletRecord | 'absent' | 'damaged' | 'kept nowhere';

const LONGEST = 4_096;

/** For people. */
export function recordPath(directory: OutletDirectory, name: string): string {
  return join(directory.path, recordName(name));
}

/** Never throws. */
export async function readOutletRecord(directory: OutletDirectory, name: string): Promise<FoundRecord> {
  if (directory.sharedWith !== null) return 'kept nowhere';
  const uid = process.geteuid?.() ?? 0;
  const read = await readGuarded(join(directory.through, recordName(name)), { limit: LONGEST, links: 'refuse', uid });
  if (!read.ok) return read.problem.type === 'absent' ? 'absent' : 'damaged';
  return decodeRecord(read.bytes.toString('utf8'));
}

function decodeRecord(text: string): FoundRecord {
  // jwtrot 0.1.0 overwrote the record in place. After a crash its length could be on the disk and its text not.
  if (/^\0*$/.test(text)) return 'absent';
  const decoded = decodeJson(text);
  if (!decoded.ok || !isJsonObject(decoded.value)) return 'damaged';
  const { schema, keyset, revision } = decoded.value;
  const lineage = schema === 1 ? null : decoded.value['lineage'];
  if (schema !== 1 && schema !== 2) return 'damaged';
  if (typeof keyset !== 'string' || !isRevision(revision)) return 'damaged';
  return lineage === null || typeof lineage === 'string' ? { keyset, lineage, revision } : 'damaged';
}

function isRevision(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0;
}

export function isSameRecord(found: FoundRecord, { keyset, lineage, revision }: OutletRecord): boolean {
  if (typeof found === 'string') return false;
  return found.keyset === keyset && found.lineage === lineage && found.revision === revision;
}

export async function writeOutletRecord(
  directory: OutletDirectory,
  name: string,
  { keyset, lineage, revision }: OutletRecord,
  id: string,
): Promise<void> {
  const text = Buffer.from(`${JSON.stringify({ schema: 2, keyset, lineage, revision })}\n`);
  await replaceFile(directory, recordName(name), { content: text, mode: 0o600, uid: -1, gid: -1 }, id);
}
