// Failures on demand: rules that hit the calls of an operation.

/** What a rule may do to the call that it hits; see server.d.ts. */
const MODES = [
  'before',
  'after',
  'lost-reply',
  'cut',
  'throttle',
  'silence',
  'denied',
  'html500',
  'slow',
  'stale',
  'mute',
  'error',
];

export class Faults {
  constructor() {
    this.rules = [];
    this.counts = {};
  }

  add({ operation, nth, times = nth === undefined ? Number.POSITIVE_INFINITY : 1, mode, ...rest }) {
    if (!MODES.includes(mode)) throw new TypeError(`mode must be one of ${MODES.join(', ')}`);
    this.rules.push({ operation, skip: (nth ?? 1) - 1, left: times, mode, ...rest });
  }

  clear() {
    this.rules = [];
  }

  /** Counts the call; the rule that hits it, if any. */
  of(operation) {
    this.counts[operation] = (this.counts[operation] ?? 0) + 1;
    const rule = this.rules.find((one) => one.operation === operation || one.operation === '*');
    if (rule === undefined) return undefined;
    if (rule.skip > 0) {
      rule.skip -= 1;
      return undefined;
    }
    rule.left -= 1;
    if (rule.left <= 0) this.rules = this.rules.filter((one) => one !== rule);
    return rule;
  }
}
