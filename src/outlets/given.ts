import type { Instant } from '../keyset/basics/clock.js';
import { decodeJson, isJsonObject } from '../keyset/basics/foreign-json.js';
import { replaceFile } from './atomic-file.js';
import type { PublishFormat } from './configured.js';
import type { OutletDirectory } from './directory.js';
import { readOutletFile } from './read-file.js';
import { NOTHING, type Sight, sightOfText, UNREADABLE } from './sight.js';

/** What a command outlet was last given. The command itself can't be asked what it did with that. */
export interface Given {
  /** The last text that the command took; null: it never took one. */
  readonly text: string | null;
  /** False from just before the command starts until it succeeds: in between, what the outlet holds is unknown. */
  readonly settled: boolean;
  /**
   * Until when a command that was started may still write: the end of its time limit. If nobody saw an earlier command
   * end, it may write even after a later one succeeded. Once that time has come, what the outlet holds is unknown.
   */
  readonly until: Instant | null;
}

const NEVER: Given = { text: null, settled: false, until: null };

/** @param path of the record @returns null when the record is damaged */
export async function readGiven(path: string): Promise<Given | null> {
  const found = await readOutletFile(path, { follow: false });
  if (found === 'absent') return NEVER;
  if (found === 'unreadable') return null;
  const decoded = decodeJson(found.bytes.toString('utf8'));
  if (!decoded.ok || !isJsonObject(decoded.value)) return null;
  const { schema, text, settled, until } = decoded.value;
  if (schema !== 1 || (text !== null && typeof text !== 'string')) return null;
  return { text, settled: settled === true, until: typeof until === 'number' ? until : null };
}

export async function writeGiven(directory: OutletDirectory, name: string, given: Given, id: string): Promise<void> {
  const record = Buffer.from(`${JSON.stringify({ schema: 1, ...given })}\n`);
  await replaceFile(directory, name, { content: record, mode: 0o600, uid: -1, gid: -1 }, id);
}

/** @param path of the record */
export async function observeGiven(path: string, format: PublishFormat, now: Instant): Promise<Sight> {
  const given = await readGiven(path);
  if (given === null) return { ...UNREADABLE, foreign: false };
  const busy = given.until === null ? {} : { busyUntil: given.until };
  if (given.text === null) return { ...NOTHING, ...busy };
  const sight = { ...(await sightOfText(given.text, format)), foreign: false, ...busy };
  const isOver = given.settled && given.until !== null && now >= given.until;
  return isOver ? { ...sight, keys: null, intact: false } : { ...sight, intact: sight.intact && given.settled };
}
