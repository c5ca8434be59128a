import { setMaxListeners } from 'node:events';
import type { Duration } from '../keyset/clock.js';
import type { Awaiting, InstanceOutcome } from './awaiting.js';
import { followInstance, lookAt } from './follow.js';
import type { Instance } from './service.js';

export type { Awaiting, InstanceEvent, InstanceOutcome } from './awaiting.js';

/**
 * Reloads instances and polls them until each reports what is wanted, all at the same time.
 * Rejects with the signal's reason when that aborts; what a service does wrong is in the outcome.
 * @returns an outcome for each instance, in their order; none for no instance, which is no confirmation
 */
export function awaitConfirmation(awaiting: Awaiting): Promise<InstanceOutcome[]> {
  return eachWithin(awaiting, awaiting.deadline, (instance, limit) => followInstance(awaiting, instance, limit));
}

/**
 * Looks which instances confirm without being reloaded, for a third of the deadline at the most: that is when one that
 * has not confirmed by itself would be reloaded.
 * @returns null for an instance that needs a reload
 */
export function lookFirst(awaiting: Awaiting): Promise<(InstanceOutcome | null)[]> {
  return eachWithin(awaiting, awaiting.deadline / 3, (instance, limit) => lookAt(awaiting, instance, limit));
}

async function eachWithin<T>(
  { clock, signal, instances }: Awaiting,
  most: Duration,
  work: (instance: Instance, limit: AbortSignal) => Promise<T>,
): Promise<T[]> {
  signal.throwIfAborted();
  const limit = new AbortController();
  setMaxListeners(0, limit.signal); // each instance listens; Node warns of a leak from the eleventh on
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
    limit.abort(); // one that failed in an unforeseen way does not leave the others polling
    done.abort();
    await watch;
  }
}
