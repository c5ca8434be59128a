import { type Clock, type Duration, SECOND } from '../../keyset/basics/clock.js';

/** How long a stopped process gets once it goes on. */
const AFTER_A_STOP: Duration = 10 * SECOND;

/** Calls `over` at a given time. It needs no thread of Node's pool. */
export class Wall {
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly clock: Pick<Clock, 'monotonic'>,
    private readonly over: () => void,
  ) {}

  /** Replaces any earlier time. @param until by the monotonic clock, in milliseconds */
  set(until: Duration, isLast = false): void {
    this.clear();
    this.#timer = setTimeout(() => {
      const late = this.clock.monotonic() - until;
      // This process was stopped (Ctrl-Z, SIGSTOP), usually together with everything it waits for.
      if (!isLast && late > SECOND) this.set(this.clock.monotonic() + AFTER_A_STOP, true);
      else this.over();
    }, until - this.clock.monotonic());
  }

  clear(): void {
    clearTimeout(this.#timer);
  }
}
