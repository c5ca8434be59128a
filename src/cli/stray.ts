import { JwtrotError } from '../keyset/basics/error.js';
import { quoteOutside } from '../keyset/basics/outside-text.js';
import type { Key, LeakedKey, NewKey } from '../keyset/manifest/key.js';
import type { KeyInOutlet } from '../outlets/outlet.js';
import type { KeysetContext } from '../rollout/context.js';
import type { KnownHere } from './known-here.js';
import type { SearchedKeyset } from './named.js';

/*
 * Makes what lies in an outlet a key that can enter a manifest as retired. That costs little for each entry: whether a
 * modulus is weak is checked at import alone.
 */

export type Held = Omit<KeyInOutlet, 'sha256' | 'kind'>;

/** Anybody may have filled an outlet: an incident must neither take long for it, nor fill what this host remembers. */
export const MOST = { pairs: 16, looks: 256 } as const;

/** Those that are keys, each by its thumbprint: the meant one and `MOST.pairs` others at most. */
export async function fitPairs(
  searched: SearchedKeyset,
  known: KnownHere,
  pairs: readonly string[],
): Promise<NewKey[]> {
  const found: NewKey[] = [];
  for (const thumbprint of pairs.slice(0, MOST.looks)) {
    const fit = found.length > MOST.pairs ? null : await fitIn(searched, known, { kid: null, thumbprint });
    if (fit !== null) found.push(fit);
  }
  return found;
}

/** @returns null if nothing tells a pair */
export async function meant(
  searched: SearchedKeyset,
  known: KnownHere,
  { kid, thumbprint }: { readonly kid: string; readonly thumbprint: string | null },
): Promise<LeakedKey | null> {
  if (thumbprint === null) return null;
  return (await fitIn(searched, known, { kid, thumbprint })) ?? nameOnly(searched, kid, thumbprint);
}

/** @param kid null: its thumbprint names it @returns null if no outlet holds it as a key that a keyset can name */
async function fitIn(
  searched: SearchedKeyset,
  { keys }: KnownHere,
  { kid, thumbprint }: { readonly kid: string | null; readonly thumbprint: string },
): Promise<NewKey | null> {
  const held = keys.find((one) => one.thumbprint === thumbprint);
  if (held === undefined) return null;
  try {
    return await strayOf(searched, { ...held, kid });
  } catch (error) {
    if (error instanceof JwtrotError && error.code === 'unfit-key') return null;
    throw error;
  }
}

/** No outlet holds the pair any more; under its kid lies another pair, or no key at all. */
async function nameOnly(
  { keyset, context, seen }: SearchedKeyset,
  kid: string,
  thumbprint: string,
): Promise<LeakedKey> {
  const hasPrivate = seen.failure?.kind === 'store' || (await isStored(context, thumbprint));
  return { kid, thumbprint, alg: keyset.policy.alg, publicJwk: null, hasPrivate };
}

/**
 * The key as it enters the manifest: under its thumbprint if its kid is another key's, since an attacker can choose it.
 */
export async function strayOf({ keyset, context, seen, keys }: SearchedKeyset, held: Held): Promise<NewKey> {
  const { parseKey, algorithmFor } = await import('../keys/import-key.js');
  try {
    if (held.publicJwk === undefined) throw unfit(held, undefined);
    const jwk = Buffer.from(JSON.stringify(held.publicJwk));
    // Not `public`: the search for a weak modulus takes long, and a weak key must be retired all the same.
    const { publicJwk, thumbprint } = await parseKey(jwk, { kind: 'any' });
    const isUsed = keys.some((one) => isNamed(one, held.kid) && one.thumbprint !== thumbprint);
    return {
      kid: held.kid === null || held.kid.length > 256 || isUsed ? thumbprint : held.kid,
      thumbprint,
      alg: algorithmFor(publicJwk, null, keyset.policy.alg),
      publicJwk,
      hasPrivate: seen.failure?.kind === 'store' || (await isStored(context, thumbprint)),
    };
  } catch (error) {
    if (error instanceof JwtrotError && error.code === 'bad-key') throw unfit(held, error);
    throw error;
  }
}

function isNamed({ kid, thumbprint }: Key, name: string | null): boolean {
  return kid === name || thumbprint === name;
}

/** True if the store has its secret, or does not tell: at worst a deletion is ordered in vain. */
function isStored({ store, name }: KeysetContext, thumbprint: string): Promise<boolean> {
  return store.getKey(name, thumbprint).then(
    (wrapped) => wrapped !== null,
    () => true,
  );
}

export function unfit({ kid, thumbprint, outlet }: Held, cause: unknown): JwtrotError {
  return new JwtrotError(
    'usage',
    'unfit-key',
    `${outlet || 'the key that was given'} holds ${quoteOutside(kid ?? thumbprint)}, which is no key that a keyset can name; nothing was changed`,
    { hint: outlet === '' ? 'give its kid: --kid KID' : `take it out of ${outlet} by hand, then jwtrot rotate`, cause },
  );
}
