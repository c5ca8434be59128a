import { basename, dirname, join } from 'node:path';
import { algorithmFor } from '../keys/import-key.js';
import { type Algorithm, isAlgorithm } from '../keyset/basics/algorithm.js';
import { decodeJson, isJsonObject } from '../keyset/basics/foreign-json.js';
import { givenTo } from '../keyset/history/given-outlet.js';
import type { KeysetRecord } from '../keyset/history/record.js';
import type { OutletEvidence, OutletRecordSeen, SeenKey } from '../keyset/recovery/evidence.js';
import { readGuarded } from '../outside/read-file.js';
import { OBSERVE_LIMIT } from './limits.js';
import { PEM_FILES, recordName } from './names.js';
import type { HeldKey, OutletPort } from './outlet.js';
import { observePemFiles } from './pem-files.js';
import type { PublishDirectory } from './publish-directory.js';
import { readOutletFile } from './read-file.js';
import { sha256Of } from './sight.js';

/*
 * Inspects outlets more closely than a run does: the keys themselves, whether this host gave them, and what the records
 * beside them say. It changes nothing.
 */

const LONGEST_RECORD = 4_096;

type Inspected = Pick<OutletPort, 'publish' | 'deliver' | 'keys'>;

type OutletFile = Pick<OutletEvidence, 'outlet' | 'kind' | 'format'>;

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
  const directories = await Promise.all(
    port.publish.flatMap((one) => (one.type === 'directory' ? inspectDirectory(one, keysOf(one.path), record) : [])),
  );
  // What a command was given is in this host's own state directory, where nobody else writes.
  const given = commands.map((outlet): OutletEvidence => {
    const isOurs = { isGiven: true, record: 'kept nowhere', problem: null } as const;
    return { outlet, kind: 'publish', format: 'jwks', keys: keysOf(outlet), ...isOurs };
  });
  return [...files, ...directories, ...given];
}

function filesOf({ publish, deliver }: Inspected): OutletFile[] {
  const published = publish.flatMap((one) =>
    one.type === 'file' ? [{ outlet: one.path, kind: 'publish' as const, format: one.format }] : [],
  );
  // A command says which kid is there; there is no file from which its key could be stored anew.
  const delivered = deliver.flatMap((one) =>
    one.type === 'file' ? [{ outlet: one.path, kind: 'deliver' as const, format: one.format }] : [],
  );
  return [...published, ...delivered];
}

async function inspectFile(
  named: OutletFile,
  keys: readonly SeenKey[],
  record: KeysetRecord | null,
): Promise<OutletEvidence> {
  const said = await readRecord(outletRecordPath(named.outlet));
  const found = await readOutletFile(named.outlet, { follow: named.kind === 'publish' });
  if (found === 'absent') return { ...named, keys: null, isGiven: false, record: said, problem: null };
  if (found === 'unreadable') return { ...named, keys: [], isGiven: false, record: said, problem: "it can't be read" };
  const { bytes } = found;
  const isGiven = bytes.length > 0 && givenTo(record, named.outlet)?.sha256 === sha256Of(bytes);
  const isEmpty = bytes.length === 0;
  bytes.fill(0);
  return { ...named, keys: isEmpty ? null : keys, isGiven, record: said, problem: null };
}

async function inspectDirectory(
  { path, format, mode }: PublishDirectory,
  keys: readonly SeenKey[],
  given: KeysetRecord | null,
): Promise<OutletEvidence> {
  const named = { outlet: path, kind: 'publish', format } as const;
  const record = await readRecord(outletRecordPath(join(path, PEM_FILES)));
  try {
    const { isThere, sha256, problem } = await observePemFiles(path, mode);
    if (problem !== undefined) return { ...named, keys: [], isGiven: false, record, problem };
    const isGiven = isThere && givenTo(given, path)?.sha256 === sha256;
    return { ...named, keys: isThere ? keys : null, isGiven, record, problem: null };
  } catch {
    return { ...named, keys: [], isGiven: false, record, problem: "it can't be read" };
  }
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

/** @param path of the outlet's file; of `PEM_FILES` in a directory */
export function outletRecordPath(path: string): string {
  return join(dirname(path), recordName(basename(path)));
}

async function readRecord(path: string): Promise<OutletRecordSeen> {
  const uid = process.geteuid?.() ?? 0;
  const read = await readGuarded(path, { limit: LONGEST_RECORD, links: 'refuse', uid });
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
