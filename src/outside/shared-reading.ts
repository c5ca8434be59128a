import type { Duration } from '../keyset/basics/clock.js';

/**
 * Lets concurrent callers share one reading of the same name, and reuses its result for `fresh` milliseconds: hundreds of
 * polls a second would each read the same files. A reading that hangs blocks one of Node's four threads instead of all.
 */
export function sharedReading<T>(fresh: Duration): (name: string, read: () => Promise<T>) => Promise<T> {
  const shared = new Map<string, Promise<T>>();
  return (name, read) => {
    const found = shared.get(name);
    if (found !== undefined) return found;
    const reading = read();
    shared.set(name, reading);
    const forget = () => shared.delete(name);
    reading.then(() => setTimeout(forget, fresh).unref(), forget);
    return reading;
  };
}
