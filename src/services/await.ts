import { setMaxListeners } from 'node:events';
import type { Awaiting, InstanceOutcome } from './awaiting.js';
import { followInstance } from './follow.js';

export type { Awaiting, InstanceEvent, InstanceOutcome } from './awaiting.js';

/**
 * Reloads instances and polls them until each reports what is wanted, all at the same time.
 * Rejects with the signal's reason when that aborts; what a service does wrong is in the outcome.
 * @returns an outcome for each instance, in their order; none for no instance, which is no confirmation
 */
export async function awaitConfirmation(awaiting: Awaiting): Promise<InstanceOutcome[]> {
  const { clock, signal, deadline, instances } = awaiting;
  signal.throwIfAborted();
  const limit = new AbortController();
  setMaxListeners(0, limit.signal); // each instance listens; Node warns of a leak from the eleventh on
  const done = new AbortController();
  const onAbort = () => limit.abort(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  const watch = clock.sleep(deadline, done.signal).then(
    () => limit.abort(),
    () => {},
  );
  try {
    const outcomes = await Promise.all(instances.map((instance) => followInstance(awaiting, instance, limit.signal)));
    signal.throwIfAborted();
    return outcomes;
  } finally {
    signal.removeEventListener('abort', onAbort);
    limit.abort(); // one that failed in an unforeseen way does not leave the others polling
    done.abort();
    await watch;
  }
}
