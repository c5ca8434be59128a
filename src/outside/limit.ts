import type { Duration } from '../keyset/basics/clock.js';

export type Limited<T> =
  | { readonly ended: 'done'; readonly value: T }
  | { readonly ended: 'expired' }
  | { readonly ended: 'interrupted' };

/** Shared: Node's default abort reason would build a stack trace for each of thousands of polls. */
const OVER = new Error('over');
/** Milliseconds. The longest time that a Node timer accepts. */
const LONGEST_TIMER = 2 ** 31 - 1;

/**
 * Runs `work` for at most `limit`, or until `signal` aborts. Returns then even if `work` ignores its signal, and drops
 * any later result or error of it. Rejects only with an error that `work` throws in time.
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
    stop.abort(OVER);
  }
}
