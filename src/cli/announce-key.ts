import { MINUTE } from '../keyset/basics/clock.js';
import { approximateDuration } from '../keyset/basics/duration.js';
import { quoteOutside } from '../keyset/basics/outside-text.js';
import type { Key } from '../keyset/manifest/key.js';
import type { Environment } from './environment.js';
import { type FoundKey, type FoundStray, kidOf } from './named.js';
import type { Output } from './output/output.js';
import { atText, nameKey } from './output/words.js';

/** Says which key `jwtrot retire` takes out, where it is, and what else lies under its kid. */
export function announceKey(found: FoundKey, { clock }: Environment, output: Output): void {
  const { keyset, key, also = [] } = found;
  if (key === null) {
    output.say(`key            ${keyset.name} ${found.stray.kid} (${found.stray.alg}, ${whereIs(found)})`);
    output.say('tokens         whatever it signed is rejected from now on');
  } else {
    output.say(`key            ${keyset.name} ${nameKey(key)} (${key.alg}, ${key.state})`);
    output.say(`tokens         ${tokenLife(key, clock.now())}`);
  }
  for (const { thumbprint, alg } of also) {
    const text = `under ${quoteOutside(kidOf(found))} lies ${thumbprint} (${alg}), too: nothing tells which is meant, so both go`;
    output.say(`another key    ${text}`, 'warning');
  }
  const { aside = [] } = found.key === null ? found : {};
  if (aside.length > 0) output.say(`another key    ${asideText(kidOf(found), aside)}`, 'warning');
}

/** One line, since anybody may have put many there. */
function asideText(kid: string, aside: readonly string[]): string {
  const [first] = aside;
  return aside.length === 1
    ? `under ${quoteOutside(kid)} lies ${first}, too: its entry is taken out, the key itself is not retired`
    : `under ${quoteOutside(kid)} lie ${aside.length} more: their entries are taken out, the keys themselves are not retired`;
}

function whereIs({ seen, stray, renamed, outlets, mayOwn }: FoundStray): string {
  if (mayOwn === true) return 'in no outlet of this keyset, which may own it: it is remembered as retired';
  const held = outlets.join(', ');
  if (stray.publicJwk === null) return `not in an outlet: what lies under its kid in ${held} is another one`;
  if (seen.failure !== null) return `in ${held || 'no outlet'}`;
  const known = renamed === undefined ? 'not in the store' : 'not in the store by that name';
  return `${known} ${held === '' ? 'nor in an outlet' : `but in ${held}`}`;
}

/** Says how much token life dies with the key, or since when it is out. */
function tokenLife(key: Key, now: number): string {
  if (key.retiredAt !== null) return `it was retired ${atText(key.retiredAt)}: this run goes on with what is open`;
  if (key.signedFrom === null) return 'none that this store knows of';
  const last = key.signedUntil ?? now;
  const left = last + Math.max(key.maxTokenTtl, MINUTE) - now;
  if (left <= 0) return 'none: its last token has expired';
  return `those it signed are rejected from now on: up to ${approximateDuration(left)} of life dies with it`;
}
