/*
 * Checks that 32 bytes are a safe Ed25519 public key; node:crypto accepts any bytes. With a point of small order one
 * signature fits many messages. Bytes that are no point verify nothing.
 */

/** The prime of the field (RFC 8032 section 5.1). */
const P = 2n ** 255n - 19n;
const D = mod(-121665n * inverse(121666n));
/** A square root of -1. */
const I = power(2n, (P - 1n) / 4n);

type Point = readonly [x: bigint, y: bigint];

/** @returns `off-curve`: not a point in canonical form; `small-order`: eight times the point is the neutral element */
export function ed25519Problem(bytes: Uint8Array): 'off-curve' | 'small-order' | null {
  const point = decode(bytes);
  if (point === null) return 'off-curve';
  let [x, y] = point;
  for (let i = 0; i < 3; i += 1) [x, y] = double([x, y]);
  return x === 0n && y === 1n ? 'small-order' : null;
}

/** RFC 8032 section 5.1.3. */
function decode(bytes: Uint8Array): Point | null {
  if (bytes.length !== 32) return null;
  const little = BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`);
  const sign = little >> 255n;
  const y = little & (2n ** 255n - 1n);
  if (y >= P) return null;
  const square = mod((y * y - 1n) * inverse(mod(D * y * y + 1n)));
  const root = squareRoot(square);
  if (root === null || (root === 0n && sign === 1n)) return null;
  return [(root & 1n) === sign ? root : P - root, y];
}

function squareRoot(square: bigint): bigint | null {
  const candidate = power(square, (P + 3n) / 8n);
  for (const root of [candidate, mod(candidate * I)]) if (mod(root * root) === square) return root;
  return null;
}

/** The addition law of section 5.1.4 in affine coordinates. It is complete, so it also doubles. */
function double([x, y]: Point): Point {
  const product = mod(D * x * x * y * y);
  return [mod(2n * x * y * inverse(1n + product)), mod((y * y + x * x) * inverse(mod(1n - product)))];
}

function mod(value: bigint): bigint {
  const rest = value % P;
  return rest < 0n ? rest + P : rest;
}

function inverse(value: bigint): bigint {
  return power(value, P - 2n);
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  for (let square = mod(base), left = exponent; left > 0n; left >>= 1n, square = mod(square * square))
    if ((left & 1n) === 1n) result = mod(result * square);
  return result;
}
