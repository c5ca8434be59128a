import type { Instant } from '../keyset/clock.js';
import { replaceFile } from './atomic-file.js';
import type { OutletDirectory } from './directory.js';
import type { PublishFormat } from './outlet.js';
import { readOutletFile } from './read-file.js';
import { NOTHING, type Sight, sightOfText, UNREADABLE } from './sight.js';

/** What a command outlet was last given: nobody can ask the command what it did with it. */
export interface Given {
  /** The last text that it took; null when it never took one. */
  readonly text: string | null;
  /** False from before the command starts until it has succeeded: what it holds then can't be told. */
  readonly settled: boolean;
  /**
   * Until when a command that has begun may write: its time limit. One that was begun before and not seen to end may write
   * even after a later one has succeeded: then what the outlet holds can't be told any more once this time has come.
   */
  readonly until: Instant | null;
}

const NEVER: Given = { text: null, settled: false, until: null };

/** @param path of the record @returns null when the record is damaged */
export async function readGiven(path: string): Promise<Given | null> {
  const found = await readOutletFile(path, { follow: false });
  if (found === 'absent') return NEVER;
  if (found === 'unreadable') return null;
  try {
    const { schema, text, settled, until } = JSON.parse(found.bytes.toString('utf8')) as Record<string, unknown>;
    if (schema !== 1 || (text !== null && typeof text !== 'string')) return null;
    return { text, settled: settled === true, until: typeof until === 'number' ? until : null };
  } catch {
    return null;
  }
}

export async function writeGiven(directory: OutletDirectory, name: string, given: Given, id: string): Promise<void> {
  const record = Buffer.from(`${JSON.stringify({ schema: 1, ...given })}\n`);
  await replaceFile(directory, name, record, { mode: 0o600, uid: -1, gid: -1 }, id);
}

/** @param path of the record */
export async function observeGiven(path: string, format: PublishFormat, now: Instant): Promise<Sight> {
  const given = await readGiven(path);
  if (given === null) return { ...UNREADABLE, foreign: false };
  if (given.text === null || (given.settled && given.until !== null && now >= given.until)) return NOTHING;
  const sight = await sightOfText(given.text, format);
  return { ...sight, foreign: false, intact: sight.intact && given.settled };
}
