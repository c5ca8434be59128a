import { quoteOutside } from '../../keyset/basics/outside-text.js';
import { isLoopback } from '../../outside/loopback.js';
import { isMap } from './fields.js';

/** A host that no placeholder fills yet may turn out to be loopback. */
const UNKNOWN: Filling = { name: 'localhost', address: '127.0.0.1:1' };

export interface Filling {
  readonly name: string;
  readonly address: string;
}

/**
 * What `{name}` and `{address}` may become in a service's URLs.
 * @param service unchecked
 */
export function fillingsOf({ name, instances }: Readonly<Record<string, unknown>>): readonly Filling[] {
  // One that lists none has one instance, of its own name.
  if (instances === undefined) return [{ ...UNKNOWN, name: textOr(name, UNKNOWN.name) }];
  if (!Array.isArray(instances) || instances.length === 0) return [UNKNOWN];
  return instances.map((one) =>
    isMap(one)
      ? { name: textOr(one['name'], UNKNOWN.name), address: textOr(one['address'], UNKNOWN.address) }
      : UNKNOWN,
  );
}

/** @returns why `url` must not carry a live token; null: it may, or is no URL at all, or that can't be told yet */
export function clearTextProblem(url: string, fillings: readonly Filling[]): string | null {
  for (const filling of fillings) {
    const filled = url.replaceAll('{address}', filling.address).replaceAll('{name}', encodeURIComponent(filling.name));
    const parsed = URL.canParse(filled) ? new URL(filled) : null;
    if (parsed?.protocol !== 'http:' || isLoopback(parsed.hostname)) continue;
    const host = filling === UNKNOWN ? hostIn(url) : parsed.host;
    return `must be https:, unix: or on loopback: a canary is a live token, and would go to ${quoteOutside(host)} in clear`;
  }
  return null;
}

/** As it is written, with its placeholders. */
function hostIn(url: string): string {
  return /^https?:\/\/(?:[^/?#]*@)?([^/?#]*)/i.exec(url)?.[1] ?? '';
}

function textOr(given: unknown, otherwise: string): string {
  return typeof given === 'string' ? given : otherwise;
}
