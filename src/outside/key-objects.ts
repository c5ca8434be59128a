import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Milliseconds. Long enough that several uses of keys in a row cause only one collection. */
const SOON = 50;

let collect: (() => void) | null = null;
let timer: NodeJS.Timeout | undefined;

/**
 * Call after each use of a private key. OpenSSL overwrites its copy only when the KeyObject or CryptoKey is
 * garbage-collected, and in a run that waits V8 might never do that. There is no other way to free one. A collection
 * takes 5 to 20 ms.
 */
export function dropKeyObjectsSoon(): void {
  clearTimeout(timer);
  timer = setTimeout(() => {
    collect ??= collector();
    collect();
  }, SOON);
  timer.unref();
}

/**
 * Node offers `gc` only under `--expose-gc`, which it documents for tests. Only contexts made while the flag is set have
 * it.
 */
function collector(): () => void {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  setFlagsFromString('--no-expose-gc');
  return gc;
}
