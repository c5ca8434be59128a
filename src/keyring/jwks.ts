import { type Duration, SECOND } from '../keyset/basics/clock.js';
import type { KeysByKid } from './key-set.js';
import type { Keyring, PublishedKey } from './public.js';

/** @param age since what it shows was true */
export function jwksOf(verifying: KeysByKid, age: Duration): ReturnType<Keyring['jwks']> {
  const keys = [...verifying.values()].map(({ kid, alg, publicJwk }): PublishedKey => {
    return { ...publicJwk, kid, ...(alg === null ? {} : { alg }), use: 'sig' };
  });
  const jwks = { keys };
  // Not in the JSON, which is what verifiers read. Rounded up: a set must not look newer than it is.
  Object.defineProperty(jwks, 'age', { value: Math.ceil(Math.max(0, age) / SECOND), enumerable: false });
  return jwks as typeof jwks & { readonly age: number };
}
