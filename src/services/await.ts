import { setMaxListeners } from 'node:events';
import type { Duration } from '../keyset/basics/clock.js';
import type { Awaiting, InstanceOutcome } from './awaiting.js';
import { followInstance, pollOnce } from './follow.js';
import type { Instance } from './service.js';

export type { Awaiting, InstanceEvent, InstanceOutcome } from './awaiting.js';

/**
 * Reloads all instances at the same time and polls each until it reports what is wanted. Rejects with the signal's reason
 * when that aborts. A service's failures are in the outcome.
 * @returns an outcome for each instance, in the same order; an empty list is no confirmation
 */
export function awaitConfirmation(awaiting: Awaiting): Promise<InstanceOutcome[]> {
  return eachWithin(awaiting, awaiting.deadline, (instance, limit) => followInstance(awaiting, instance, limit));
}

/**
 * Polls which instances confirm without a reload, for at most a third of the deadline. That is when `awaitConfirmation`
 * would reload an instance that has not confirmed by itself.
 * @returns null for an instance that needs a reload
 */
export function pollFirst(awaiting: Awaiting): Promise<(InstanceOutcome | null)[]> {
  return eachWithin(awaiting, awaiting.deadline / 3, (instance, limit) => pollOnce(awaiting, instance, limit));
}

async function eachWithin<T>(
  { clock, signal, instances }: Awaiting,
  most: Duration,
  work: (instance: Instance, limit: AbortSignal) => Promise<T>,
): Promise<T[]> {
  signal.throwIfAborted();
  const limit = new AbortController();
  setMaxListeners(0, limit.signal); // each instance adds a listener, and Node warns of a leak above ten
  const done = new AbortController();
  const onAbort = () => limit.abort(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  const watch = clock.sleep(most, done.signal).then(
    () => limit.abort(),
    () => {},
  );
  try {
    const found = await Promise.all(instances.map((instance) => work(instance, limit.signal)));
    signal.throwIfAborted();
    return found;
  } finally {
    signal.removeEventListener('abort', onAbort);
    limit.abort(); // after an unexpected error in one instance, stops polling the others
    done.abort();
    await watch;
  }
}
