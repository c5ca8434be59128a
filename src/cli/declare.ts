import { type Command, InvalidArgumentError } from 'commander';
import type { Duration } from '../keyset/basics/clock.js';
import { parseDuration } from '../keyset/basics/duration.js';
import type { Environment } from './environment.js';
import type { Verb } from './verb.js';

/*
 * Tools to declare verbs. A verb is loaded when it runs, so a start loads no more than it needs.
 */

export type Load<T> = (environment: Environment) => Promise<Verb<T>>;

/** Adds a verb, at the top or in a group: `store backup`. */
export type Add = <T>(name: string, load: Load<T>, summary: string, parent?: Command) => Command;

/** Adds a group of verbs. */
export type Within = (name: string, summary: string, parent?: Command) => Command;

export function duration(text: string): Duration {
  const parsed = parseDuration(text);
  if (parsed === null) throw new InvalidArgumentError('Not a duration such as 90s, 2m or 1h.');
  return parsed;
}

/** For an option that may be repeated. */
export function collect(value: string, before: string[] | undefined): string[] {
  return [...(before ?? []), value];
}
