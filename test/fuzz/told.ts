import { quoteOutside } from '../../src/keyset/basics/outside-text.js';
import type { Failure } from './fuzz.js';

/** A failure for a person: how to get it again, and what it is. */
export function told({ seed, target, error, input }: Failure): string {
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return `npm run fuzz -- --seed ${seed} --runs 1: ${target}: ${stack}\ninput: ${quoteOutside(input.toString())}`;
}
