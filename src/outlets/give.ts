import type { Duration } from '../keyset/basics/clock.js';
import { formatDuration } from '../keyset/basics/duration.js';
import { JwtrotError } from '../keyset/basics/error.js';
import { givenTo, withGiven } from '../keyset/history/given-outlet.js';
import type { OutletContent } from '../keyset/published/jwk-set.js';
import { within } from '../outside/limit.js';
import type { Records } from '../records/records.js';
import { removeLeftovers } from './atomic-file.js';
import { TIME_TO_END } from './limits.js';
import type { Place } from './place.js';
import { type FoundRecord, isSameRecord, writeOutletRecord } from './record.js';
import { type Sight, sha256Of } from './sight.js';
import type { Target } from './target.js';

export interface Giving {
  readonly content: OutletContent;
  readonly privateKey: () => Promise<Uint8Array>;
  readonly records: Records;
  /** Run commands that publish even if they were last given this same text. */
  readonly again: boolean;
  /** The longest that a command may take; null: its own time limit. */
  readonly limit: Duration | null;
  readonly signal: AbortSignal;
  readonly newId: () => string;
}

export interface Observed {
  readonly place: Place;
  readonly record: FoundRecord;
  readonly sight: Sight;
  /** The kids of leaked keys that were taken out before it was looked at. */
  readonly taken: readonly string[];
}

/** What came of giving. */
export interface GiveResult {
  readonly wrote: boolean;
  /** Why records could not be written. An incident goes on without them. */
  readonly unrecorded: unknown[];
}

/** How long one outlet's files may take, since disks can be slow. An incident does not wait for a slow disk. */
const WRITE = { usual: 30_000, hurried: 5_000 } as const;
/** A hanging outlet delays no other one. Its lock stays held as long as it may still write. */
export function inTime<T>(
  { target, reach, underWay }: Place,
  { content, limit }: Giving,
  work: () => Promise<T>,
): Promise<T> {
  const files = content.isIncident ? Math.min(WRITE.hurried, limit ?? WRITE.hurried) : WRITE.usual;
  const command = target.runs === 0 ? 0 : Math.min(target.runs, limit ?? target.runs) + TIME_TO_END;
  return reach.within(files + command, () => {
    const working = work();
    const over: Promise<unknown> = working
      .then(
        () => {},
        () => {},
      )
      .then(() => underWay.delete(over));
    underWay.add(over);
    return working;
  });
}

/**
 * Makes an outlet hold the content. It writes both records first: from then on they keep off any run with an older
 * manifest. The record beside the outlet comes before the host's, so no crash leaves the host remembering an outlet
 * without a record.
 */
export async function give({ place, record, sight }: Observed, giving: Giving): Promise<GiveResult> {
  const { target, directory } = place;
  const { content, limit, signal, newId } = giving;
  signal.throwIfAborted();
  const holds = target.holds(sight, content) && !(giving.again && target.isCommand && target.kind === 'publish');
  // The wait for the key does not count: it says nothing about the directory.
  const bytes = holds ? null : await textInTime(target, giving);
  const sha256 = holds ? sight.sha256 : bytes === null ? null : sha256Of(bytes);
  return inTime(place, giving, async () => {
    try {
      await removeLeftovers(directory, target.name);
      const unrecorded = [
        ...(await unlessIncident(content, () => writeRecord(place, record, giving))),
        ...(await unlessIncident(content, () => remember(giving.records, target.label, sha256))),
      ];
      if (!holds) await target.put({ directory, bytes, content, sight, limit, signal, newId });
      return { wrote: !holds, unrecorded };
    } finally {
      bytes?.fill(0);
    }
  });
}

/** In an incident a silent store or KMS holds up only the outlets that need the key. */
async function textInTime(
  { text, label }: Target,
  { content, privateKey, limit, signal }: Giving,
): Promise<Buffer | null> {
  const asked = text(content, privateKey);
  if (limit === null) return asked;
  const ended = await within(limit, signal, () => asked);
  if (ended.ended === 'done') return ended.value;
  asked.then((late) => late?.fill(0)).catch(() => {});
  signal.throwIfAborted();
  throw new JwtrotError(
    'services',
    'key-late',
    `the private key did not come within ${formatDuration(limit)}; ${label} was left as it is`,
    { hint: 'is the store, or KMS, slow? run it again: it goes on with this' },
  );
}

async function writeRecord(
  { target, directory }: Place,
  found: FoundRecord,
  { content, newId }: Giving,
): Promise<void> {
  if (found === 'kept nowhere' || isSameRecord(found, content)) return;
  await writeOutletRecord(directory, target.name, content, newId());
}

/** Records the intent before the outlet is touched. @param sha256 null: its file is removed */
async function remember(records: Records, outlet: string, sha256: string | null): Promise<void> {
  await records.update((record) => withGiven(record, { outlet, sha256 }));
}

/** If the outlet holds what this host gave it, the host now remembers that text without the keys that were taken out. */
export async function rememberLess(
  records: Records,
  outlet: string,
  { sha256 }: Sight,
  bytes: Buffer | null,
): Promise<void> {
  await records.update((record) => {
    const given = givenTo(record, outlet);
    if (given === null || given.sha256 !== sha256) return record;
    return withGiven(record, { outlet, sha256: bytes === null ? null : sha256Of(bytes) });
  });
}

/** In an incident a record that can't be written does not stop the outlet from being written. */
async function unlessIncident({ isIncident }: OutletContent, act: () => Promise<void>): Promise<unknown[]> {
  try {
    await act();
    return [];
  } catch (error) {
    if (!isIncident) throw error;
    return [error];
  }
}
