import { createHash } from 'node:crypto';
import { JwtrotError } from '../keyset/basics/error.js';
import { decodeJson, isJsonObject } from '../keyset/basics/foreign-json.js';
import type { JweWrappedKey, KeyContext } from '../keyset/manifest/wrapped-key.js';

/**
 * A wrapped key is a compact JWE (RFC 7516): `dir` with `A256GCM` (RFC 7518 sections 4.5 and 5.3). These header
 * parameters name the key, and the tag authenticates them. They have a prefix because `alg` and `kid` in a JWE describe
 * the KEK.
 */
const CONTEXT_HEADERS = { keyset: 'jwtrot:keyset', kid: 'jwtrot:kid', alg: 'jwtrot:alg' } as const;
const CONTEXT_MEMBERS = Object.keys(CONTEXT_HEADERS) as (keyof KeyContext)[];

/** Identifies a KEK without revealing it: 96 bits of the hash of 256 random bits. */
export function kekId(kek: Uint8Array): string {
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
 * @param where names the KEK in errors
 * @returns PKCS#8 DER in a buffer that the caller owns
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
  const { plaintext, protectedHeader } = await compactDecrypt(jwe, kek, options).catch((cause: unknown) => {
    // A header that names another KEK is whole. One that names this KEK, or none, belongs to a damaged ciphertext.
    const isDamaged = !jwe.includes('.') || [kekId(kek), null].includes(headerKid(jwe));
    throw isDamaged ? damaged(context, cause) : kekWrong(context, where, cause);
  });
  if (CONTEXT_MEMBERS.every((member) => protectedHeader[CONTEXT_HEADERS[member]] === context[member])) return plaintext;
  plaintext.fill(0);
  throw mismatch(context);
}

/** The ciphertext holds another key than the requested one. */
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

function damaged({ kid, keyset }: KeyContext, cause: unknown): JwtrotError {
  return new JwtrotError(
    'refused',
    'key-damaged',
    `the stored key ${kid} of keyset ${keyset} is damaged; nothing was changed`,
    { hint: 'restore it from a backup, or replace the key: jwtrot rotate --force', cause },
  );
}

function kekWrong({ kid, keyset }: KeyContext, where: string, cause: unknown): JwtrotError {
  const hint = `restore the former ${where} from its backup; if it is lost, so is this key: replace it with jwtrot rotate --force`;
  return new JwtrotError(
    'refused',
    'kek-wrong',
    `the KEK ${where} is not the one that key ${kid} of keyset ${keyset} is wrapped under; nothing was changed`,
    { hint, cause },
  );
}

/** The id of the KEK, from an unauthenticated header: only good for a message. */
export function headerKid(jwe: string): string | null {
  const header = decodeJson(Buffer.from(jwe.split('.')[0] ?? '', 'base64url').toString());
  const kid = header.ok && isJsonObject(header.value) ? header.value['kid'] : undefined;
  return typeof kid === 'string' ? kid : null;
}
