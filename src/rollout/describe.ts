import { quoteOutside } from '../keyset/basics/outside-text.js';
import type { Named } from './context.js';
import type { Answer } from './question.js';

const MOST_NAMES = 8;
const MOST_REASONS = 8;

export function unconfirmed(answers: readonly Answer[]): Answer[] {
  return answers.filter((answer) => !answer.confirmed);
}

export function hintOf(answers: readonly Answer[]): string | null {
  return answers.find((answer) => answer.hint !== null)?.hint ?? null;
}

/** `gateway/a: connection refused; gateway/b, gateway/c: …`, one line, of bounded length however many they are. */
export function describe(answers: readonly Answer[]): string {
  const byReason = new Map<string, Named[]>();
  for (const answer of answers) {
    const reason = answer.reason ?? 'no answer';
    byReason.set(reason, [...(byReason.get(reason) ?? []), answer]);
  }
  const told = [...byReason].map(([reason, some]) => `${namesOf(some)}: ${reason}`);
  const others = [...byReason.values()].slice(MOST_REASONS).flat().length;
  return [...told.slice(0, MOST_REASONS), ...(others > 0 ? [`and ${others} more`] : [])].join('; ');
}

/** `gateway/a, gateway/b`; of many, the first ones and how many more. */
export function namesOf(some: readonly Named[]): string {
  const names = some.slice(0, MOST_NAMES).map(({ service, instance }) => {
    return instance === service ? service : `${service}/${quoteOutside(instance).slice(1, -1)}`;
  });
  const more = some.length - names.length;
  return `${names.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
