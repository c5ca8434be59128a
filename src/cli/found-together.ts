import { JwtrotError } from '../keyset/basics/error.js';
import { quoteOutside, shellWord } from '../keyset/basics/outside-text.js';
import { type FoundKey, kidOf, type Named, pairOf } from './named.js';

/**
 * The keys that are retired together. An incident is not refused because several keysets have the pair, or because
 * somebody put another one under the whole kid into an outlet: the key goes in each of them.
 * @throws JwtrotError `ambiguous-kid` if a prefix fits several keys, or if manifests have different keys under the kid
 */
export function foundTogether(found: readonly FoundKey[], named: Named): readonly FoundKey[] {
  const [first] = found;
  const isOnePair = found.every((one) => first !== undefined && pairOf(one) === pairOf(first));
  const isWhole = found.every((one) => one.key === null && kidOf(one) === named.kid);
  const isOnePerKeyset = new Set(found.map(({ keyset }) => keyset.name)).size === found.length;
  if (found.length < 2 || (isOnePerKeyset && (isOnePair || isWhole))) return found;
  throw ambiguous(
    found.map((one) => ({ keyset: one.keyset.name, kid: kidOf(one) })),
    named,
  );
}

/** @param found the keys that the text fits */
export function ambiguous(found: readonly { keyset: string; kid: string }[], { kid }: Named): JwtrotError {
  const names = found.map((one) => `${one.keyset} ${one.kid}`).join(', ');
  const what = kid === null ? 'the key that was given' : quoteOutside(kid);
  const [first] = found;
  const isWhole = found.every((one) => kid === null || one.kid === kid);
  const each = first === undefined ? '' : `jwtrot retire --keyset ${first.keyset} --kid ${shellWord(first.kid)}`;
  const hint = isWhole
    ? `name the keyset, for example: ${each}; or the key itself: --key FILE`
    : 'give more characters of the kid, or --keyset; or the key itself: --key FILE';
  return new JwtrotError('usage', 'ambiguous-kid', `${what} is not unique: ${names}; nothing was changed`, { hint });
}
