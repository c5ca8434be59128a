import { createHash } from 'node:crypto';
import { JwtrotError } from '../keyset/error.js';
import type { JweWrappedKey, KeyContext } from '../keyset/wrapped-key.js';

/**
 * A compact JWE (RFC 7516): `dir` with `A256GCM` (RFC 7518 sections 4.5 and 5.3). Its protected header, which the tag
 * covers, says which key it is; names of our own, since `alg` and `kid` of a JWE are about the KEK.
 */
const CONTEXT_HEADERS = { keyset: 'jwtrot:keyset', kid: 'jwtrot:kid', alg: 'jwtrot:alg' } as const;
const CONTEXT_MEMBERS = Object.keys(CONTEXT_HEADERS) as (keyof KeyContext)[];

/** Tells KEKs apart and reveals nothing of them: 96 bits of a hash of 256 random ones. */
function kekId(kek: Uint8Array): string {
  return createHash('sha256').update('jwtrot KEK').update(kek).digest('base64url').slice(0, 16);
}

export async function encryptKey(privateKey: Uint8Array, context: KeyContext, kek: Uint8Array): Promise<JweWrappedKey> {
  const { CompactEncrypt } = await import('jose/jwe/compact/encrypt');
  const named = CONTEXT_MEMBERS.map((member) => [CONTEXT_HEADERS[member], context[member]]);
  const header = { alg: 'dir', enc: 'A256GCM', kid: kekId(kek), ...Object.fromEntries(named) };
  const jwe = await new CompactEncrypt(privateKey).setProtectedHeader(header).encrypt(kek);
  return { kid: context.kid, alg: context.alg, jwe };
}

/**
 * @returns PKCS#8 DER in a buffer of the caller's own
 * @throws JwtrotError `kek-wrong`, `key-damaged`, `key-mismatch`
 */
export async function decryptKey(
  { jwe }: JweWrappedKey,
  context: KeyContext,
  kek: Uint8Array,
  where: string,
): Promise<Uint8Array> {
  const { compactDecrypt } = await import('jose/jwe/compact/decrypt');
  const options = { keyManagementAlgorithms: ['dir'], contentEncryptionAlgorithms: ['A256GCM'] };
  const { plaintext, protectedHeader } = await compactDecrypt(jwe, kek, options).catch((error: unknown) => {
    throw undecryptable(jwe, context, kek, where, error);
  });
  if (CONTEXT_MEMBERS.every((member) => protectedHeader[CONTEXT_HEADERS[member]] === context[member])) return plaintext;
  plaintext.fill(0);
  throw mismatch(context);
}

/** The ciphertext is of a key that is not the one asked for. */
export function mismatch({ kid, keyset }: KeyContext): JwtrotError {
  return new JwtrotError(
    'refused',
    'key-mismatch',
    `what is stored as key ${kid} of keyset ${keyset} is another key; it was not used and nothing was changed`,
    {
      hint: "somebody exchanged the store's files: restore them from a backup, or replace the key: jwtrot rotate --force",
    },
  );
}

/** Encrypted under this very KEK by what it says: damaged. Else the KEK is not the one. */
function undecryptable(jwe: string, context: KeyContext, kek: Uint8Array, where: string, cause: unknown): JwtrotError {
  const what = `key ${context.kid} of keyset ${context.keyset}`;
  if (!jwe.includes('.') || headerKid(jwe) === kekId(kek) || headerKid(jwe) === null) {
    return new JwtrotError('refused', 'key-damaged', `the stored ${what} is damaged; nothing was changed`, {
      hint: 'restore it from a backup, or replace the key: jwtrot rotate --force',
      cause,
    });
  }
  return new JwtrotError(
    'refused',
    'kek-wrong',
    `the KEK ${where} is not the one that ${what} is wrapped under; nothing was changed`,
    {
      hint: `restore the former ${where} from its backup; if it is lost, so is this key: replace it with jwtrot rotate --force`,
      cause,
    },
  );
}

/** The id of the KEK in a header that nothing vouches for: good for a message, nothing else. */
function headerKid(jwe: string): string | null {
  try {
    const header: unknown = JSON.parse(Buffer.from(jwe.split('.')[0] ?? '', 'base64url').toString());
    return typeof header === 'object' && header !== null && 'kid' in header ? String(header.kid) : null;
  } catch {
    return null;
  }
}
