import { quoteOutside } from '../basics/outside-text.js';
import { type Break, whyRetirementsUnknown } from './doubt.js';
import type { Evidence, RecoveryRequest } from './evidence.js';
import type { KnownKey } from './known.js';

export interface RecoveryRefusal {
  readonly code: 'retirements-unknown' | 'undecided-keys' | 'unknown-thumbprint' | 'retired-key' | 'kid-clash';
  readonly message: string;
  /** Options to add to the command. */
  readonly options: readonly string[];
}

/** What blocks the recovery until the operator says more. */
export function recoveryRefusal(
  evidence: Evidence,
  request: RecoveryRequest,
  { because, isNothing }: { readonly because: Break | null; readonly isNothing: boolean },
  keys: readonly KnownKey[],
): RecoveryRefusal | null {
  return (
    badAdoption(request, keys) ??
    clash(evidence, keys) ??
    undecided(keys) ??
    (because === null || isNothing ? null : unknownRetirements(evidence, request, keys))
  );
}

function badAdoption({ adopt }: RecoveryRequest, keys: readonly KnownKey[]): RecoveryRefusal | null {
  for (const thumbprint of adopt) {
    const known = keys.find((key) => key.thumbprint === thumbprint);
    if (known === undefined || known.publicJwk === null || known.alg === null) {
      const message = `--adopt ${quoteOutside(thumbprint)} matches no key found here with its public half and algorithm: give a thumbprint, or a unique beginning of one`;
      return { code: 'unknown-thumbprint', message, options: [] };
    }
    if (known.retiredBy.length > 0) {
      const message = `key ${known.kid} is retired, says ${known.retiredBy[0]}: it never returns, under whatever kid`;
      return { code: 'retired-key', message, options: [] };
    }
  }
  return null;
}

/** An outlet's kid would be ambiguous, and `rotate` would not overwrite it. */
function clash({ outlets }: Evidence, keys: readonly KnownKey[]): RecoveryRefusal | null {
  for (const { outlet, keys: held } of outlets) {
    for (const { kid, thumbprint } of held ?? []) {
      if (kid === null || thumbprint === '') continue;
      const other = keys.find((known) => (known.kid === kid) !== (known.thumbprint === thumbprint));
      if (other === undefined) continue;
      const under =
        other.thumbprint === thumbprint ? `under the kid ${quoteOutside(kid)}` : 'under the kid of another key';
      const message = `${outlet} holds key ${quoteOutside(other.thumbprint === thumbprint ? other.kid : thumbprint)} ${under}: it can't be written over`;
      return { code: 'kid-clash', message, options: [] };
    }
  }
  return null;
}

/** An outlet or service holds it and nobody vouches for it: `rotate` would refuse to write there. */
function undecided(keys: readonly KnownKey[]): RecoveryRefusal | null {
  const open = keys.filter((known) => {
    if (known.key !== null || known.retiredBy.length > 0 || known.isAdopted) return false;
    if (known.publishedIn.length + known.deliveredIn.length > 0) return false;
    return known.seenIn.length + known.signedBy.length + known.acceptedBy.length > 0;
  });
  if (open.length === 0) return null;
  const list = open.map((known) => `${quoteOutside(known.kid)} (${holders(known)})`).join(', ');
  const message = `nobody vouches for ${list}: adopt each by its thumbprint if it is yours, or name it as retired`;
  return { code: 'undecided-keys', message, options: open.map(({ thumbprint }) => `--adopt ${thumbprint}`) };
}

function holders({ seenIn, signedBy, acceptedBy }: KnownKey): string {
  const services = [...new Set([...signedBy, ...acceptedBy])];
  return [...seenIn.map((outlet) => `in ${outlet}`), ...services.map((name) => `at ${name}`)].join(', ');
}

function unknownRetirements(
  evidence: Evidence,
  { retired, noneRetired }: RecoveryRequest,
  keys: readonly KnownKey[],
): RecoveryRefusal | null {
  const why = whyRetirementsUnknown(evidence, new Set(keys.map(({ kid }) => kid)));
  if (why === null || noneRetired || retired.length > 0) return null;
  const message = `${why}, so keys may have been retired that nothing here tells of: name them, or say that there are none`;
  return { code: 'retirements-unknown', message, options: ['--none-retired'] };
}
