import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { JwtrotError } from '../keyset/basics/error.js';
import { givenTo } from '../keyset/history/given-outlet.js';
import type { KeysetRecord } from '../keyset/history/record.js';
import { isKeySet, type OutletContent } from '../keyset/published/jwk-set.js';
import type { Records } from '../records/records.js';
import { assertPublic, publishText } from './content.js';
import type { Observed } from './give.js';
import { takeLeaked } from './leaked-files.js';
import { OBSERVE_LIMIT } from './limits.js';
import { lookTime } from './observe-outlet.js';
import { afterTaking, carryOut, type Judged, type Outcome, stopping } from './outcome.js';
import type { Elsewhere, OutletProblem, OutletWriter, WriteOptions, WriteResult } from './outlet.js';
import { unnameableKid } from './pem-files.js';
import type { Place, Places, Unplaced } from './place.js';
import { outletProblem, problemOf } from './problem.js';
import { readOutletRecord, recordPath } from './record.js';
import { UNREADABLE } from './sight.js';
import type { Target } from './target.js';
import { verdictOn } from './verdict.js';

export interface WriterOptions {
  readonly records: Records;
  readonly newId: () => string;
}

/** Writes the outlets whose locks this process holds. */
export function createWriter({ places, unplaced }: Places, { records, newId }: WriterOptions): OutletWriter {
  return {
    async write(content, privateKey, options) {
      assertPublic(content);
      const remembered = await recall(records, content);
      const observed = await Promise.all(
        places.map((place) => observe(place, remembered.record, content, options.otherHistory)),
      );
      const seen = observed.filter((one) => 'sight' in one);
      const judged = seen.map((one) => judge(one, remembered.record, content, options));
      const key = once(privateKey);
      try {
        const giving = { content, privateKey: key.get, records, newId, ...options };
        // All at once, so a hanging outlet does not hold up the others.
        const done = await Promise.allSettled(
          judged.map((one) => carryOut(one, { ...giving, ...limitOf(one, options) })),
        );
        const failed = [...unplaced, ...observed.filter((one) => 'problem' in one), ...failures(judged, done)];
        options.signal.throwIfAborted();
        const problems = failed.map((one) => failure(one, content));
        const result = summary(judged, done, [...remembered.problems, ...problems]);
        return { ...result, publish: result.publish || failed.some(({ taken = [] }) => taken.length > 0) };
      } finally {
        await key.wipe();
      }
    },
  };
}

function limitOf({ place: { target } }: Judged, { limit, deliveryLimit = limit }: WriteOptions) {
  return { limit: target.kind === 'deliver' && target.isCommand ? deliveryLimit : limit };
}

/** What this host remembers. In an incident an unreadable record counts as none. */
async function recall(
  records: Records,
  content: OutletContent,
): Promise<{ record: KeysetRecord | null; problems: OutletProblem[] }> {
  try {
    return { record: await records.read(), problems: [] };
  } catch (error) {
    if (!content.isIncident) throw error;
    return { record: null, problems: [problemOf('', error, content)] };
  }
}

async function observe(
  place: Place,
  remembered: KeysetRecord | null,
  content: OutletContent,
  otherHistory: Elsewhere,
): Promise<Observed | Unplaced> {
  const { target, directory, reach } = place;
  const { isIncident, active, retiring } = content;
  const limit = isIncident ? OBSERVE_LIMIT.hurried : OBSERVE_LIMIT.usual;
  const isReplaced = isIncident && active !== null && !retiring.some(({ kid }) => kid === active.kid);
  const look = async () => {
    try {
      return await target.observe(`${directory.through}/${target.name}`, limit);
    } catch (error) {
      // Signers need another key than the leaked one, whatever is there.
      if (isReplaced && target.isCommand && error instanceof JwtrotError) return UNREADABLE;
      throw error;
    }
  };
  const taken = isIncident ? await takeLeaked(place, remembered, content, otherHistory) : [];
  try {
    return await reach.within(lookTime(target, limit), async () => {
      const sight = await look();
      // What `holds` says counts for more than any record.
      const isKept = !target.isCommand || target.kind === 'publish';
      return { place, record: isKept ? await readOutletRecord(directory, target.name) : 'kept nowhere', sight, taken };
    });
  } catch (error) {
    return { target, problem: outletProblem(`cannot read ${target.label}`, target.folder, error), taken };
  }
}

function failure({ target: { label }, problem, taken = [] }: Unplaced, content: OutletContent): OutletProblem {
  const found = problemOf(label, problem, content);
  if (taken.length === 0) return found;
  return { ...found, message: `${label} ${afterTaking(taken, 'may not be what it should be')}: ${found.message}` };
}

/** @throws JwtrotError if this outlet shows that the run must not write anywhere */
function judge(
  observed: Observed,
  remembered: KeysetRecord | null,
  content: OutletContent,
  options: WriteOptions,
): Judged {
  const { place, record, sight } = observed;
  const { target, directory, flaw } = place;
  const isSet = target.kind === 'publish' && isKeySet(target.format);
  const isWiped = isSet && publishText(content, 'jwks') === null;
  const seen = {
    outlet: target.label,
    path: target.isCommand
      ? join(directory.path, target.name)
      : target.format === 'pem-files'
        ? join(target.label, '*.pem')
        : target.label,
    format: target.format,
    record,
    recordPath: recordPath(directory, target.name),
    remembered,
    given: givenTo(remembered, target.label),
    // Nobody can look into a command's place, so nothing there can be somebody else's by its looks.
    sight: target.isCommand ? { ...sight, foreign: false } : sight,
    wouldBeEmptied: isWiped && (sight.keys?.length ?? 0) > 0,
    unnameable: target.format === 'pem-files' ? unnameableKid(content) : null,
    flaw,
  };
  const verdict = verdictOn(seen, content, options.otherHistory);
  if (verdict.do === 'stop') throw stopping(target.label, verdict.because);
  return { ...observed, verdict };
}

function failures(judged: readonly Judged[], done: readonly PromiseSettledResult<Outcome>[]): Unplaced[] {
  return judged.flatMap(({ place: { target }, taken }, i) => {
    const ended = done[i];
    if (ended?.status !== 'rejected') return [];
    return [{ target, problem: outletProblem(`cannot write ${target.label}`, target.folder, ended.reason), taken }];
  });
}

function summary(
  judged: readonly Judged[],
  done: readonly PromiseSettledResult<Outcome>[],
  problems: readonly OutletProblem[],
): WriteResult {
  const outcomes = done.map((ended) => (ended.status === 'fulfilled' ? ended.value : null));
  const wrote = (kind: Target['kind']) =>
    judged.some(({ place: { target } }, i) => target.kind === kind && outcomes[i]?.wrote === true);
  return {
    publish: wrote('publish'),
    deliver: wrote('deliver'),
    problems: [...problems, ...outcomes.flatMap((outcome) => outcome?.problems ?? [])],
  };
}

/** Asks for the private key at most once; `wipe` overwrites it. */
function once(ask: () => Promise<Uint8Array>): { get: () => Promise<Uint8Array>; wipe: () => Promise<void> } {
  let asked: Promise<Uint8Array> | undefined;
  return {
    get() {
      asked ??= ask();
      return asked;
    },
    async wipe() {
      const wiped = asked?.then(
        (key) => key.fill(0),
        () => {},
      );
      // Do not wait for a key that has not come.
      await Promise.race([wiped, setImmediate()]);
    },
  };
}
