import { createHash } from 'node:crypto';
import { basename, dirname, join } from 'node:path';
import { algorithmFor } from '../keys/import-key.js';
import { type Algorithm, isAlgorithm } from '../keyset/basics/algorithm.js';
import { decodeJson, isJsonObject } from '../keyset/basics/foreign-json.js';
import type { KeysetRecord } from '../keyset/history/record.js';
import type { OutletEvidence, OutletRecordSeen, SeenKey } from '../keyset/recovery/evidence.js';
import { readGuarded } from '../outside/read-file.js';
import { OBSERVE_LIMIT } from './limits.js';
import type { HeldKey, OutletPort } from './outlet.js';
import { readOutletFile } from './read-file.js';

/*
 * Inspects outlets more closely than a run does: the keys themselves, whether this host gave them, and what the records
 * beside them say. It changes nothing.
 */

const LONGEST_RECORD = 4_096;

type Inspected = Pick<OutletPort, 'publish' | 'deliver' | 'keys'>;

interface OutletFile extends Pick<OutletEvidence, 'outlet' | 'kind' | 'format'> {
  readonly path: string;
}

/** @param preferred the algorithm of a key that does not name one */
export async function inspectOutlets(
  port: Inspected,
  record: KeysetRecord | null,
  preferred: Algorithm,
): Promise<OutletEvidence[]> {
  const held = await port.keys(OBSERVE_LIMIT.usual);
  const keysOf = (outlet: string) => held.filter((key) => key.outlet === outlet).map((key) => seenKey(key, preferred));
  const commands = [...new Set(held.map(({ outlet }) => outlet))].filter((outlet) => outlet.startsWith('command '));
  const files = await Promise.all(filesOf(port).map((file) => inspectFile(file, keysOf(file.outlet), record)));
  // What a command was given is in this host's own state directory, where nobody else writes.
  const given = commands.map((outlet): OutletEvidence => {
    const isOurs = { isGiven: true, record: 'kept nowhere', problem: null } as const;
    return { outlet, kind: 'publish', format: 'jwks', keys: keysOf(outlet), ...isOurs };
  });
  return [...files, ...given];
}

function filesOf({ publish, deliver }: Inspected): OutletFile[] {
  const published = publish.flatMap((one) =>
    one.type === 'file' ? [{ outlet: one.path, kind: 'publish' as const, format: one.format, path: one.path }] : [],
  );
  const delivered = deliver.map(({ path, format }) => ({ outlet: path, kind: 'deliver' as const, format, path }));
  return [...published, ...delivered];
}

async function inspectFile(
  { path, ...named }: OutletFile,
  keys: readonly SeenKey[],
  record: KeysetRecord | null,
): Promise<OutletEvidence> {
  const said = await readRecord(path);
  const found = await readOutletFile(path, { follow: named.kind === 'publish' });
  if (found === 'absent') return { ...named, keys: null, isGiven: false, record: said, problem: null };
  if (found === 'unreadable') return { ...named, keys: [], isGiven: false, record: said, problem: "it can't be read" };
  const { bytes } = found;
  const given = record?.outlets.find(({ outlet }) => outlet === named.outlet)?.sha256 ?? null;
  const isGiven = bytes.length > 0 && given === createHash('sha256').update(bytes).digest('hex');
  const isEmpty = bytes.length === 0;
  bytes.fill(0);
  return { ...named, keys: isEmpty ? null : keys, isGiven, record: said, problem: null };
}

function seenKey({ kid, thumbprint, publicJwk, alg }: HeldKey, preferred: Algorithm): SeenKey {
  if (publicJwk === undefined) return { kid, thumbprint, publicJwk: null, alg: null };
  if (alg != null && isAlgorithm(alg)) return { kid, thumbprint, publicJwk, alg };
  try {
    return { kid, thumbprint, publicJwk, alg: algorithmFor(publicJwk, null, preferred) };
  } catch {
    return { kid, thumbprint, publicJwk: null, alg: null };
  }
}

/** `.NAME.jwtrot`: this version and the one before both write it there. */
export function outletRecordPath(path: string): string {
  return join(dirname(path), `.${basename(path)}.jwtrot`);
}

async function readRecord(path: string): Promise<OutletRecordSeen> {
  const uid = process.geteuid?.() ?? 0;
  const read = await readGuarded(outletRecordPath(path), { limit: LONGEST_RECORD, links: 'refuse', uid });
  if (!read.ok)
    return read.problem.type === 'absent' ? 'absent' : read.problem.type === 'denied' ? 'kept nowhere' : 'damaged';
  const text = read.bytes.toString('utf8').replace(/[\0\s]+$/, '');
  if (text === '') return 'absent';
  const decoded = decodeJson(text);
  if (!decoded.ok || !isJsonObject(decoded.value)) return 'damaged';
  const { keyset, lineage = null, revision } = decoded.value;
  if (typeof keyset !== 'string' || typeof revision !== 'number' || !Number.isSafeInteger(revision)) return 'damaged';
  return lineage === null || typeof lineage === 'string' ? { keyset, lineage, revision } : 'damaged';
}
