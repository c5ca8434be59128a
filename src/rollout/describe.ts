import { quoteOutside } from '../keyset/outside-text.js';
import type { Answer } from './question.js';

const MOST_NAMES = 8;

export function unconfirmed(answers: readonly Answer[]): Answer[] {
  return answers.filter((answer) => !answer.confirmed);
}

/** `gateway/a: connection refused; gateway/b, gateway/c: …`, one line. */
export function describe(answers: readonly Answer[]): string {
  const byReason = new Map<string, Named[]>();
  for (const answer of answers) {
    const reason = answer.reason ?? 'no answer';
    byReason.set(reason, [...(byReason.get(reason) ?? []), answer]);
  }
  return [...byReason].map(([reason, some]) => `${namesOf(some)}: ${reason}`).join('; ');
}

interface Named {
  readonly service: string;
  readonly instance: string;
}

/** `gateway/a, gateway/b`; of many, the first ones and how many more. */
export function namesOf(some: readonly Named[]): string {
  const names = some.slice(0, MOST_NAMES).map(({ service, instance }) => {
    return instance === service ? service : `${service}/${quoteOutside(instance).slice(1, -1)}`;
  });
  const more = some.length - names.length;
  return `${names.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
