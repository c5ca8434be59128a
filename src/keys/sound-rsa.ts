import { checkPrimeSync } from 'node:crypto';
import type { PublicJwk } from '../keyset/manifest/key.js';
import { badKey } from './bad-key.js';

/**
 * FIPS 186-5 appendix A.1.1: 2^16 < e < 2^256. With smaller exponents, signatures were forged against lax padding checks.
 */
const EXPONENT = { above: 2n ** 16n, below: 2n ** 256n } as const;
const SMALL = 2 ** 16;

/**
 * Refuses an RSA key whose exponent NIST rules out, or whose modulus is trivial to factor.
 * @throws JwtrotError `bad-key`
 */
export function assertSoundRsa(publicJwk: PublicJwk): void {
  if (publicJwk.kty !== 'RSA') return;
  const e = number(publicJwk.e);
  if (e <= EXPONENT.above || e >= EXPONENT.below || e % 2n === 0n) {
    throw badKey(
      'the RSA key has a public exponent that is unsafe: it must be odd, above 2^16 and below 2^256 (FIPS 186-5)',
    );
  }
  const why = weaknessOf(number(publicJwk.n));
  if (why !== null)
    throw badKey(`the RSA key is worthless: its modulus ${why}, so anybody can work out its private half`);
}

/** For public numbers only: a BigInt can't be overwritten. */
function number(text: string): bigint {
  return BigInt(`0x${Buffer.from(text, 'base64url').toString('hex')}`);
}

function weaknessOf(n: bigint): string | null {
  if (n % 2n === 0n) return 'is even';
  for (let factor = 3n; factor < SMALL; factor += 2n) if (n % factor === 0n) return `is divisible by ${factor}`;
  if (checkPrimeSync(n)) return 'is a prime';
  for (const exponent of [2, 3, 5, 7]) if (root(n, BigInt(exponent)) !== null) return 'is a power';
  return hasRocaFingerprint(n) ? 'is from a chip that made weak keys (ROCA, CVE-2017-15361)' : null;
}

/** The integer root of this degree, by Newton's method; null when there is none. */
function root(n: bigint, degree: bigint): bigint | null {
  let guess = 1n << (BigInt(n.toString(2).length) / degree + 1n);
  for (;;) {
    const next = ((degree - 1n) * guess + n / guess ** (degree - 1n)) / degree;
    if (next >= guess) return guess ** degree === n ? guess : null;
    guess = next;
  }
}

/**
 * Infineon's library chose primes of the form k * M + (65537^a mod M). M is the product of the first 126 primes for
 * 2,048-bit keys, of more for longer keys. Modulo each of those primes, such a modulus is a power of 65537 (Nemec et al.,
 * "The Return of Coppersmith's Attack", CCS 2017, section 2.3). One other key in 2^167 matches by chance.
 */
function hasRocaFingerprint(n: bigint): boolean {
  for (let prime = 3; prime <= 701; prime += 2) {
    if (!isSmallPrime(prime)) continue;
    const rest = Number(n % BigInt(prime));
    let power = 1;
    do power = (power * 65_537) % prime;
    while (power !== rest && power !== 1);
    if (power !== rest) return false;
  }
  return true;
}

function isSmallPrime(candidate: number): boolean {
  for (let factor = 3; factor * factor <= candidate; factor += 2) if (candidate % factor === 0) return false;
  return true;
}
