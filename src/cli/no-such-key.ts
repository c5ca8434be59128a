import { JwtrotError } from '../keyset/basics/error.js';
import { quoteOutside } from '../keyset/basics/outside-text.js';
import { SHORTEST_PREFIX } from '../keyset/history/leaked.js';
import type { Key } from '../keyset/manifest/key.js';
import { withoutState } from '../rollout/other-history.js';
import type { Named, SearchedKeyset } from './named.js';

/*
 * Errors for a key that nothing here knows.
 */

/** Refuses a short prefix of a kid: it may be another key's prefix, too. */
export function tooShort(searched: readonly { readonly keys: readonly Key[] }[], { kid }: Named): JwtrotError | null {
  const begins = (key: Key) => kid !== null && kid !== '' && key.kid.startsWith(kid);
  if (kid === null || kid.length >= SHORTEST_PREFIX || !searched.some(({ keys }) => keys.some(begins))) return null;
  return new JwtrotError(
    'usage',
    'kid-too-short',
    `${quoteOutside(kid)} is the beginning of a kid, but has ${kid.length} characters: ${SHORTEST_PREFIX} are needed; nothing was changed`,
    { hint: 'give more characters of the kid; jwtrot status shows it' },
  );
}

export function noSuchKey(searched: readonly SearchedKeyset[], { kid }: Named): JwtrotError {
  const what = kid === null ? 'the key that was given' : quoteOutside(kid);
  const where = `${searched.map(({ keyset }) => keyset.name).join(', ')} in ${searched[0]?.context.store.description}`;
  return new JwtrotError(
    'usage',
    'no-such-key',
    `${what} is no key of ${where}, nor of what their outlets hold; nothing was changed`,
    { hint: 'jwtrot status shows the kids; is this the right configuration and store?' },
  );
}

/**
 * Nobody knows the key, but some keyset can't be read: only that one may have it, or the kid is mistyped. The error has
 * the kind and code of the read failure.
 * @param forgotten keysets whose record on this host can't be read
 * @returns null if all keysets were read
 */
export function unknownBeside(
  searched: readonly SearchedKeyset[],
  { kid }: Named,
  forgotten: readonly string[],
): JwtrotError | null {
  const unread = searched.flatMap(({ keyset, seen: { failure } }) =>
    failure === null ? [] : [{ name: keyset.name, failure }],
  );
  const [first] = unread;
  if (first === undefined) return null;
  const what = kid === null ? 'the key that was given' : quoteOutside(kid);
  const mistyped = kid === null ? '' : ' (mistyped?)';
  const message = [
    `${what} is known to no keyset that could be read, to no outlet and not to what this host remembers${mistyped}`,
    ...unread.map(({ name, failure }) => `keyset ${name} could not be read: ${withoutState(failure.message)}`),
    ...(forgotten.length === 0 ? [] : [`what this host remembers of ${forgotten.join(', ')} could not be read either`]),
    'nothing was changed',
  ].join('; ');
  const again = kid === null ? 'jwtrot retire --keyset NAME --key FILE' : 'jwtrot retire --kid KID, or --key FILE';
  const mends = unread.map(({ name, failure }) => `keyset ${name}: ${mendOf(name, failure)}`);
  const hint = [`${kid === null ? 'whichever keyset it is' : 'if it was mistyped'}: ${again}`, ...mends].join('; ');
  return new JwtrotError(first.failure.kind, first.failure.code, message, { hint, cause: first.failure });
}

function mendOf(keyset: string, { hint, code }: JwtrotError): string {
  const own = code === 'manifest-damaged' ? `jwtrot store recover --keyset ${keyset}` : hint;
  return own ? `${own}, then the same command again` : 'when it can be read, the same command again';
}
