/** Something that happens at an instant; `fire` null: it was called off. */
export interface Happening {
  readonly time: number;
  readonly order: number;
  fire: (() => void) | null;
}

const settled = Promise.resolve();

/** Virtual time: a heap of happenings. Nothing ever waits for a real timer. */
export class Scheduler {
  time: number;
  steps = 0;
  /** Set when a promise is settled: the code that awaits it runs on before the next happening. */
  drain = false;
  #order = 0;
  readonly #heap: Happening[] = [];

  constructor(start: number) {
    this.time = start;
  }

  after(delay: number, fire: () => void): Happening {
    return this.at(this.time + Math.max(0, Math.ceil(delay)), fire);
  }

  at(time: number, fire: () => void): Happening {
    this.#order += 1;
    const happening: Happening = { time: Math.max(time, this.time), order: this.#order, fire };
    const heap = this.#heap;
    let i = heap.length;
    heap.push(happening);
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!before(happening, heap[parent] as Happening)) break;
      heap[i] = heap[parent] as Happening;
      i = parent;
    }
    heap[i] = happening;
    return happening;
  }

  /** Runs until `done` says so, nothing is left to happen, or `time` has come (it is that time then). */
  run(done: () => boolean, until = Number.POSITIVE_INFINITY): Promise<void> {
    return new Promise((resolve, reject) => {
      const turn = () => {
        try {
          while (!done()) {
            const next = this.#heap[0];
            if (next === undefined || next.time > until) {
              if (until !== Number.POSITIVE_INFINITY) this.time = Math.max(this.time, until);
              break;
            }
            this.#pop();
            if (next.fire === null) continue;
            this.time = next.time;
            this.steps += 1;
            this.drain = false;
            next.fire();
            // Awaiting code goes on in an unknown number of microtasks: all of them run before the next tick.
            if (this.drain) {
              void settled.then(later);
              return;
            }
          }
          resolve();
        } catch (error) {
          reject(error);
        }
      };
      const later = () => process.nextTick(turn);
      setImmediate(turn);
    });
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop() as Happening;
    const { length } = heap;
    if (length === 0) return;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= length) break;
      if (child + 1 < length && before(heap[child + 1] as Happening, heap[child] as Happening)) child += 1;
      if (!before(heap[child] as Happening, last)) break;
      heap[i] = heap[child] as Happening;
      i = child;
    }
    heap[i] = last;
  }
}

function before(a: Happening, b: Happening): boolean {
  return a.time < b.time || (a.time === b.time && a.order < b.order);
}
