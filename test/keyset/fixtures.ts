import { ALGORITHMS, type Algorithm } from '../../src/keyset/basics/algorithm.js';
import { DAY, MINUTE, SECOND } from '../../src/keyset/basics/clock.js';
import { POLICY_DEFAULTS, type Policy } from '../../src/keyset/basics/policy.js';
import type { NewKey, PublicJwk } from '../../src/keyset/manifest/key.js';
import type { Manifest } from '../../src/keyset/manifest/model.js';
import { type Holding, wantedKeys } from '../../src/keyset/published/jwk-set.js';

export const START = Date.UTC(2026, 0, 1);

export const POLICY: Policy = {
  ...POLICY_DEFAULTS,
  alg: 'ES256',
  maxTokenTtl: 7 * DAY,
  verifyFor: 8 * DAY,
  slowestReload: 2 * MINUTE,
};

/** `k3`, with a thumbprint of the right shape. */
export function newKey(kid: string, alg: Algorithm = 'ES256'): NewKey {
  return { kid, thumbprint: kid.padEnd(43, '_'), alg, publicJwk: jwkOf(kid, alg), hasPrivate: true };
}

/** Not a point on any curve: nothing here computes with it. */
export function jwkOf(kid: string, alg: Algorithm): PublicJwk {
  const { kty, crv }: { kty: string; crv?: string } = ALGORITHMS[alg];
  if (kty === 'RSA') return { kty, n: kid, e: 'AQAB' };
  return kty === 'EC' ? { kty, crv: crv ?? '', x: kid, y: 'y' } : { kty: 'OKP', crv: crv ?? '', x: kid };
}

/** The thumbprint that `newKey` gave to this public half. */
export async function thumbprintOf(jwk: PublicJwk): Promise<string> {
  return (jwk.kty === 'RSA' ? jwk.n : jwk.x).padEnd(43, '_');
}

export const JWKS: Omit<Holding, 'keys' | 'intact'> = { outlet: '/srv/jwks.json', kind: 'publish', format: 'jwks' };
export const SIGNER_JWK: Omit<Holding, 'keys' | 'intact'> = { outlet: '/run/key.jwk', kind: 'deliver', format: 'jwk' };

/** What an outlet holds when it was just written. */
export function written(outlet: Omit<Holding, 'keys' | 'intact'>, manifest: Manifest): Holding {
  const wanted = wantedKeys(manifest, outlet);
  return { ...outlet, intact: true, keys: wanted?.map((kid) => named(manifest, kid)) ?? null };
}

export function named(manifest: Manifest | null, kid: string): { kid: string; thumbprint: string } {
  return { kid, thumbprint: manifest?.keys.find((key) => key.kid === kid)?.thumbprint ?? kid.padEnd(43, '_') };
}

export const RETIRE = { reason: 'compromised', deadline: 120 * SECOND, noReplacement: false, purge: false } as const;
