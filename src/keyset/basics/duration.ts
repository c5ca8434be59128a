import { DAY, type Duration, HOUR, MINUTE, SECOND } from './clock.js';

const UNITS: readonly (readonly [unit: string, length: Duration])[] = [
  ['d', DAY],
  ['h', HOUR],
  ['m', MINUTE],
  ['s', SECOND],
  ['ms', 1],
];
const DURATION = /^(?:\d+(?:\.\d+)?(?:ms|[wdhms]))+$/;
const PART = /(\d+(?:\.\d+)?)(ms|[wdhms])/g;
const LENGTH: Readonly<Record<string, Duration>> = { w: 7 * DAY, ...Object.fromEntries(UNITS) };

/** Parses `90d`, `36h`, `1h30m`, `500ms`, `0s`. @returns milliseconds; null if it is not a duration */
export function parseDuration(text: string): Duration | null {
  if (!DURATION.test(text)) return null;
  let sum = 0;
  for (const [, number, unit] of text.matchAll(PART)) sum += Number(number) * (LENGTH[unit as string] ?? Number.NaN);
  const rounded = Math.round(sum);
  return Number.isSafeInteger(rounded) ? rounded : null;
}

/** Formats the exact duration in the configuration's notation: `1d12h`, `0s`. */
export function formatDuration(duration: Duration): string {
  if (duration === 0) return '0s';
  let rest = Math.abs(duration);
  let text = duration < 0 ? '-' : '';
  for (const [unit, length] of UNITS) {
    const count = Math.floor(rest / length);
    if (count > 0) text += `${count}${unit}`;
    rest -= count * length;
  }
  return text;
}

/** Formats the two largest units for people: `89d 4h`, `14s`. */
export function approximateDuration(duration: Duration): string {
  const parts = formatDuration(Math.max(0, Math.floor(duration / SECOND) * SECOND)).match(/\d+[dhms]/g) ?? ['0s'];
  return parts.slice(0, 2).join(' ');
}
