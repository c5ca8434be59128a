type Listener = () => void;

/** What the code under test uses of an AbortSignal, at a tenth of the price: a run makes hundreds of them. */
class LightSignal {
  aborted = false;
  reason: unknown = undefined;
  #listeners: { readonly listener: Listener; readonly once: boolean }[] = [];

  addEventListener(_: 'abort', listener: Listener, options: { readonly once?: boolean } = {}): void {
    if (this.#listeners.some((one) => one.listener === listener)) return;
    this.#listeners.push({ listener, once: options.once === true });
  }

  removeEventListener(_: 'abort', listener: Listener): void {
    this.#listeners = this.#listeners.filter((one) => one.listener !== listener);
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
    const listeners = this.#listeners;
    this.#listeners = listeners.filter((one) => !one.once);
    for (const { listener } of listeners) listener();
  }
}

class LightController {
  readonly signal = new LightSignal();

  abort(reason: unknown = new Error('This operation was aborted')): void {
    this.signal.abort(reason);
  }
}

function any(signals: readonly LightSignal[]): LightSignal {
  const all = new LightSignal();
  for (const signal of signals) {
    if (signal.aborted) all.abort(signal.reason);
    else signal.addEventListener('abort', () => all.abort(signal.reason), { once: true });
  }
  return all;
}

/** In a process that does nothing but simulate. */
export function useLightSignals(): void {
  Object.assign(globalThis, { AbortController: LightController, AbortSignal: Object.assign(LightSignal, { any }) });
}
