import { checkPrimeSync } from 'node:crypto';
import { badKey } from './bad-key.js';
import { compare, type Natural, natural, product, remainder, subtract } from './natural.js';
import type { PrivateNumbers } from './pkcs8.js';

/**
 * Checks every private number of an RSA key against its public ones (RFC 8017 section 3.2). A trial signature would not
 * reveal wrong CRT members, since OpenSSL repairs the result. Other libraries don't repair it, and one faulty signature
 * reveals the factors.
 * @throws JwtrotError `bad-key`
 */
export function assertRsaAgrees({ n, e }: { readonly n: string; readonly e: string }, numbers: PrivateNumbers): void {
  const used: Natural[] = [];
  const keep = (number: Natural): Natural => {
    used.push(number);
    return number;
  };
  try {
    const [modulus, exponent] = [n, e].map((text) => natural(Buffer.from(text, 'base64url'))) as [Natural, Natural];
    if (!agrees(modulus, exponent, numbers, keep))
      throw badKey('the private members of the key do not belong to its public ones');
  } finally {
    for (const number of used) number.fill(0);
  }
}

const ONE = Uint16Array.of(1);

function agrees(n: Natural, e: Natural, numbers: PrivateNumbers, keep: (number: Natural) => Natural): boolean {
  const given = (name: string) => keep(natural(numbers[name] ?? new Uint8Array()));
  const [d, p, q, dp, dq, qi] = ['d', 'p', 'q', 'dp', 'dq', 'qi'].map(given) as [
    Natural,
    Natural,
    Natural,
    Natural,
    Natural,
    Natural,
  ];
  if (compare(p, ONE) <= 0 || compare(q, ONE) <= 0 || compare(p, q) === 0) return false;
  if (compare(keep(product(p, q)), n) !== 0 || compare(d, n) >= 0) return false;
  const inverse = (a: Natural, b: Natural, modulus: Natural) =>
    compare(keep(remainder(keep(product(a, b)), modulus)), ONE) === 0;
  const fits = (prime: Natural, ofPrime: Natural) => {
    const order = keep(prime.slice());
    subtract(order, ONE);
    return inverse(e, d, order) && compare(ofPrime, keep(remainder(d, order))) === 0;
  };
  return (
    fits(p, dp) &&
    fits(q, dq) &&
    compare(qi, p) < 0 &&
    inverse(qi, q, p) &&
    isPrime(numbers['p']) &&
    isPrime(numbers['q'])
  );
}

function isPrime(bytes: Uint8Array = new Uint8Array()): boolean {
  return checkPrimeSync(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
}
