import { own } from '../keyset/basics/foreign-json.js';

/** The members that make up a key pair. */
interface Members {
  /** In lexicographic order (RFC 7638 section 3.2, RFC 8037 section 2). */
  readonly required: readonly string[];
  /** RFC 7518 section 6, RFC 8037 section 2. */
  readonly private: readonly string[];
}

export const JWK_MEMBERS = {
  RSA: { required: ['e', 'kty', 'n'], private: ['d', 'p', 'q', 'dp', 'dq', 'qi'] },
  EC: { required: ['crv', 'kty', 'x', 'y'], private: ['d'] },
  OKP: { required: ['crv', 'kty', 'x'], private: ['d'] },
} as const satisfies Record<string, Members>;

/** Every member that reveals part of a private or symmetric key, for all types of key. */
const SECRET: readonly string[] = [...JWK_MEMBERS.RSA.private, 'oth', 'k'];

/** @param kty from outside @returns undefined when `kty` is no known type of key pair */
export function membersOf(kty: unknown): Members | undefined {
  return typeof kty === 'string' ? own<Members>(JWK_MEMBERS, kty) : undefined;
}

export function hasPrivateMember(jwk: object): boolean {
  return SECRET.some((member) => Object.hasOwn(jwk, member));
}
