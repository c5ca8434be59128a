import { normalize } from 'node:path';
import * as v from 'valibot';
import { type Duration, HOUR } from '../../keyset/clock.js';
import { formatDuration, parseDuration } from '../../keyset/duration.js';
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

/** Longer ones would overflow a timer (2^31 ms); and a run that waits for a day is a mistake. */
const LONGEST_LIMIT = 24 * HOUR;

/** A time limit of something that is waited for, in milliseconds. */
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

/** Normalized, without a NUL or a trailing slash. */
export const absolutePath: Schema<string> = v.pipe(
  text('an absolute path (it begins with /)', (path) => path.startsWith('/') && !/\0/.test(path)),
  v.transform((path) => normalize(path).replace(/(?<=.)\/$/, '')),
);

/** RFC 6901. */
export const jsonPointer: Schema<string> = text(
  'a JSON pointer (RFC 6901) such as /jwt/kid',
  /^(?:\/(?:[^~/]|~[01])*)*$/,
);

/** Permissions of a file. Only the owner may write: whoever may write a JWKS may mint tokens. */
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
