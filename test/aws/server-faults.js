// Failures on demand: rules that hit the calls of an operation.

import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

const PIECE = 1 << 18;

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
  'endless',
];

export class Faults {
  constructor() {
    this.rules = [];
    this.counts = {};
    /** Answers without end that somebody still reads. */
    this.endless = 0;
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
    // From this call on, whatever it is that is called. What has been done with this one is the rule's own.
    if (rule.thenSilent) this.rules = [{ operation: '*', skip: 0, left: Number.POSITIVE_INFINITY, mode: 'silence' }];
    rule.left -= 1;
    if (rule.left <= 0) this.rules = this.rules.filter((one) => one !== rule);
    return rule;
  }
  /** Answers for as long as somebody reads. @param pace bytes a second; absent: as fast as they are read */
  async answerWithoutEnd(response, pace) {
    this.endless += 1;
    response.writeHead(200, { 'Content-Type': 'application/x-amz-json-1.1' });
    // It ends when whoever reads is gone.
    await pipeline(Readable.from(pieces(pace)), response).catch(() => {});
    this.endless -= 1;
  }
}

async function* pieces(pace) {
  yield '{"Name":"';
  const piece = Buffer.alloc(pace === undefined ? PIECE : Math.ceil(pace / 20), 'x');
  for (;;) {
    await new Promise((resolve) => (pace === undefined ? setImmediate(resolve) : setTimeout(resolve, 50)));
    yield piece;
  }
}
