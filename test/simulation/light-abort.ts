type Listener = () => void;

/** What the code under test uses of an AbortSignal, at a tenth of the price: a run makes hundreds of them. */
class LightSignal {
  aborted = false;
  reason: unknown = undefined;
  readonly #listeners = new Set<Listener>();

  /** It happens once, so `once` needs no heed. */
  addEventListener(_: 'abort', listener: Listener): void {
    this.#listeners.add(listener);
  }

  removeEventListener(_: 'abort', listener: Listener): void {
    this.#listeners.delete(listener);
  }

  /** For `setMaxListeners` of node:events. */
  setMaxListeners(): void {}

  throwIfAborted(): void {
    if (this.aborted) throw this.reason;
  }

  abort(reason: unknown): void {
    if (this.aborted) return;
    this.aborted = true;
    this.reason = reason;
    for (const listener of this.#listeners) listener();
  }
}

/** One for all: what an error costs is its stack. */
const ABORTED = new Error('This operation was aborted');

class LightController {
  readonly signal = new LightSignal();

  abort(reason: unknown = ABORTED): void {
    this.signal.abort(reason);
  }
}

function any(signals: readonly LightSignal[]): LightSignal {
  const all = new LightSignal();
  for (const signal of signals) {
    if (signal.aborted) all.abort(signal.reason);
    else signal.addEventListener('abort', () => all.abort(signal.reason));
  }
  return all;
}

/** In a process that does nothing but simulate. */
export function useLightSignals(): void {
  Object.assign(globalThis, { AbortController: LightController, AbortSignal: Object.assign(LightSignal, { any }) });
}
