type Listener = () => void;

/** The part of AbortSignal that the code under test uses, ten times as cheap: a run makes hundreds of signals. */
class LightSignal {
  aborted = false;
  reason: unknown = undefined;
  readonly #listeners = new Set<Listener>();

  /** It fires only once, so `once` can be ignored. */
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

/** One error for all: the stack is what makes an error costly. */
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
