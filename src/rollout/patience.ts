import { type Clock, type Duration, SECOND } from '../keyset/basics/clock.js';
import { JwtrotError } from '../keyset/basics/error.js';
import type { Store } from '../store/store.js';
import type { KeysetContext } from './context.js';
import { withoutState } from './other-history.js';

/** Failures of a store that works: it may answer again in a moment. */
const PASSING: ReadonlySet<string> = new Set(['aws-failing', 'aws-throttled', 'aws-unreachable', 'commit-unknown']);
/** Failures that end when another writer is done, or when an old copy has caught up. */
const OVERTAKEN: ReadonlySet<string> = new Set(['deadline-passed', 'commit-contended', 'stale-read']);

/** A call that begins late still gets this long. */
const LEAST: Duration = 2 * SECOND;
/** A call that begins after the run should have ended still gets this long: the process was stopped and has woken up. */
const AT_LAST: Duration = SECOND;

/** Between two attempts. */
const FIRST_PAUSE: Duration = SECOND / 4;
const LONGEST_PAUSE: Duration = 2 * SECOND;
/** No retry begins with less time left than this. */
const SHORTEST_TRY: Duration = SECOND / 2;

/** The same command may work when it is run again later. */
export function isTransient(error: unknown): boolean {
  return isPassing(error) || (error instanceof JwtrotError && OVERTAKEN.has(error.code));
}

function isPassing(error: unknown): error is JwtrotError {
  return error instanceof JwtrotError && PASSING.has(error.code);
}

/** After these nobody knows whether a commit landed. */
const UNANSWERED: ReadonlySet<string> = new Set(['commit-unknown', 'deadline-passed']);

/** The call may have taken effect, or may still do so. */
export function isUnanswered(error: unknown): error is JwtrotError {
  return error instanceof JwtrotError && UNANSWERED.has(error.code);
}

/** How long `retire` waits for a store, by the monotonic clock: until its deadline, and never past its own end. */
export class Patience {
  /** @param closing when the run itself must end */
  constructor(
    private readonly clock: Pick<Clock, 'monotonic'>,
    private readonly deadline: Duration,
    private readonly closing: Duration = deadline,
  ) {}

  /** When to give up on a call that began at `start`. */
  end(start: Duration = this.clock.monotonic()): Duration {
    return Math.max(Math.min(Math.max(this.deadline, start + LEAST), this.closing), start + AT_LAST);
  }
}

type PatientContext = Pick<KeysetContext, 'store' | 'clock' | 'signal' | 'random' | 'report' | 'name'>;

/**
 * The store as `retire` uses it. It retries transient failures, so that a replacement can sign first when the store
 * comes back. No call outlasts the patience. A retry sends the very same commit, which may have landed the first time.
 */
export function patientStore(context: PatientContext, patience: Patience): Store {
  const { store, clock } = context;
  const { until, ...rest } = store;
  const attempt = <T>(end: Duration, work: (store: Store) => Promise<T>) =>
    inTime(clock, end, store.description, (givenUp) => work(until?.(givenUp) ?? store));
  const once = <T>(work: (store: Store) => Promise<T>) => attempt(patience.end(), work);
  const retry = retrying(context);
  const tryOn = <T>(work: (store: Store) => Promise<T>) => {
    const end = patience.end();
    return retry(end, () => attempt(end, work));
  };
  return {
    ...rest,
    readManifest: (keyset) => tryOn((asked) => asked.readManifest(keyset)),
    commitManifest: (manifest, base) => tryOn((asked) => asked.commitManifest(manifest, base)),
    // Callers of these go on without an answer, or retry themselves.
    homeElsewhere: (keyset) => once((asked) => asked.homeElsewhere(keyset)),
    salvage: (keyset) => once((asked) => asked.salvage(keyset)),
    putKey: (...key) => once((asked) => asked.putKey(...key)),
    getKey: (...key) => once((asked) => asked.getKey(...key)),
    deleteKey: (...key) => once((asked) => asked.deleteKey(...key)),
    isKeyGone: (...key) => once((asked) => asked.isKeyGone(...key)),
  };
}

/** Repeats what fails in passing, until `end`. Says so the first time, and once when the store answers again. */
function retrying({ store, clock, signal, random, report, name }: PatientContext) {
  let said = 0;
  const say = (level: 'info' | 'warning', text: string) => {
    said += 1;
    report({ type: 'note', keyset: name, level, text });
  };
  return async <T>(end: Duration, attempt: () => Promise<T>): Promise<T> => {
    let unanswered: JwtrotError | null = null;
    for (let pause = FIRST_PAUSE; ; pause = Math.min(2 * pause, LONGEST_PAUSE)) {
      try {
        const done = await attempt();
        if (said === 1) say('info', `${store.description} answers again`);
        return done;
      } catch (error) {
        const left = end - clock.monotonic() - SHORTEST_TRY;
        if (!isTransient(error) || signal.aborted) throw error;
        // A retry may be refused just because the first attempt landed: report the doubt.
        if (isUnanswered(error)) unanswered ??= error;
        if (!isPassing(error) || left <= 0) throw unanswered ?? error;
        if (said === 0) say('warning', `${withoutState(error.message)}; it is tried again until the deadline`);
        await clock.sleep(Math.min(pause * (0.5 + random()), left), signal);
      }
    }
  };
}

/**
 * Waits for `work` until `end`.
 * @param end by the monotonic clock; work under way then is given up, and may take effect later
 * @param work stops at its signal where it can
 * @throws JwtrotError `deadline-passed`
 */
export async function inTime<T>(
  clock: Clock,
  end: Duration,
  whose: string,
  work: (givenUp: AbortSignal) => Promise<T>,
): Promise<T> {
  const done = new AbortController();
  const givenUp = new AbortController();
  const working = work(givenUp.signal);
  const late = clock.sleep(Math.max(0, end - clock.monotonic()), done.signal).then(
    () => {
      const error = new JwtrotError('store', 'deadline-passed', `no answer from ${whose} in time`, {
        hint: 'when it answers, give the same command again; jwtrot status shows how things stand',
      });
      givenUp.abort(error);
      throw error;
    },
    () => working,
  );
  working.catch(() => {});
  late.catch(() => {});
  try {
    return await Promise.race([working, late]);
  } finally {
    done.abort();
  }
}
