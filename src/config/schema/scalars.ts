import { normalize } from 'node:path';
import * as v from 'valibot';
import { type Duration, HOUR } from '../../keyset/basics/clock.js';
import { formatDuration, parseDuration } from '../../keyset/basics/duration.js';
import { quoteOutside } from '../../keyset/basics/outside-text.js';
import { must, type Schema } from './fields.js';

/** Text that passes `test`. */
export function text(what: string, test: RegExp | ((text: string) => boolean)): v.GenericSchema<string> {
  const passes = test instanceof RegExp ? (value: string) => test.test(value) : test;
  return v.pipe(v.string(must(what)), v.check(passes, must(what)));
}

const DURATION = 'a duration such as 90d, 36h or 15m';

/** Milliseconds. */
export const duration: Schema<Duration> = v.pipe(
  v.string(must(DURATION)),
  v.check((value) => parseDuration(value) !== null, must(DURATION)),
  v.transform((value) => parseDuration(value) ?? 0),
);

/** Milliseconds. A timer overflows at 2^31 ms, and waiting more than a day in one run is a mistake anyway. */
const LONGEST_LIMIT = 24 * HOUR;

/** How long to wait for something, in milliseconds. */
export const timeLimit: Schema<Duration> = v.pipe(
  duration,
  v.check(
    (value) => value > 0 && value <= LONGEST_LIMIT,
    ({ input }) => {
      return `must be above 0s and at most ${formatDuration(LONGEST_LIMIT)}, got ${formatDuration(input)}`;
    },
  ),
);

export function wholeNumber(least: number, most: number): Schema<number> {
  const what = `a whole number from ${least} to ${most}`;
  return v.pipe(
    v.number(must(what)),
    v.check((n) => Number.isInteger(n) && n >= least && n <= most, must(what)),
  );
}

export const flag: Schema<boolean> = v.boolean(must('true or false'));

/** C0, DEL, C1, line and paragraph separators, lone surrogates: some program would take each for the end of a line. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is refused
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\p{Surrogate}]/u;

/** A path goes into units, crontabs and messages, where a control character would split it. */
export function hasControl(path: string): boolean {
  return CONTROL.test(path);
}

/** Normalized, without a trailing slash. */
export const absolutePath: Schema<string> = v.pipe(
  text('an absolute path (it begins with /)', (path) => path.startsWith('/')),
  v.check(
    (path) => !hasControl(path),
    ({ input }) => `must hold no control character, got ${quoteOutside(input)}`,
  ),
  v.transform((path) => normalize(path).replace(/(?<=.)\/$/, '')),
);

/** RFC 6901. */
export const jsonPointer: Schema<string> = text(
  'a JSON pointer (RFC 6901) such as /jwt/kid',
  /^(?:\/(?:[^~/]|~[01])*)*$/,
);

/** Permissions of a file. Only the owner may write: anyone who can write a JWKS can mint tokens. */
export function fileMode(allowed: number): Schema<number> {
  const what = `a mode in quotes such as "${octal(allowed & 0o440)}" with no more rights than "${octal(allowed)}"`;
  const fits = (mode: number): boolean => (mode & ~allowed) === 0 && (mode & 0o400) !== 0;
  return v.pipe(
    text(what, (value) => /^0?[0-7]{3}$/.test(value) && fits(Number.parseInt(value, 8))),
    v.transform((value) => Number.parseInt(value, 8)),
  );
}

function octal(mode: number): string {
  return mode.toString(8).padStart(4, '0');
}
