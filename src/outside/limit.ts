import type { Duration } from '../keyset/clock.js';

export type Limited<T> =
  | { readonly ended: 'done'; readonly value: T }
  | { readonly ended: 'expired' }
  | { readonly ended: 'interrupted' };

/** The longest time that a Node timer takes. */
const LONGEST_TIMER = 2 ** 31 - 1;

/**
 * Runs `work` for at most `limit`, or until `signal` aborts. Returns at that moment even if `work` does not heed the
 * signal that it was given; what it then does or throws is dropped. Rejects only with what `work` itself threw in time.
 */
export async function within<T>(
  limit: Duration,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<Limited<T>> {
  if (signal.aborted) return { ended: 'interrupted' };
  const stop = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let onAbort: (() => void) | undefined;
  const ended = new Promise<Limited<T>>((resolve) => {
    timer = setTimeout(() => resolve({ ended: 'expired' }), Math.min(limit, LONGEST_TIMER));
    onAbort = () => resolve({ ended: 'interrupted' });
    signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    const working = work(stop.signal).then((value): Limited<T> => ({ ended: 'done', value }));
    working.catch(() => {});
    return await Promise.race([working, ended]);
  } finally {
    clearTimeout(timer);
    if (onAbort !== undefined) signal.removeEventListener('abort', onAbort);
    stop.abort();
  }
}
