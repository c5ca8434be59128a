import { importJWK, SignJWT } from 'jose';
import { jwkOf, type TestKey } from '../keyring/support.js';

export const NOW = () => Math.floor(Date.now() / 1000);

/** Undefined: the token has none. */
export interface Parts {
  readonly header?: Record<string, unknown>;
  readonly claims?: Record<string, unknown>;
}

/** A token that the page's verifiers accept, but for the parts. */
export async function tokenOf(key: TestKey, { header = {}, claims = {} }: Parts = {}): Promise<string> {
  const all = { iss: 'https://id.example', aud: 'api', sub: 'u1', iat: NOW(), exp: NOW() + 600, ...claims };
  const protectedHeader = { alg: key.alg as string, kid: key.kid, ...header };
  const { alg } = protectedHeader;
  const secret = await importJWK({ ...JSON.parse(jwkOf(key)), alg }, alg);
  return new SignJWT(all).setProtectedHeader(protectedHeader).sign(secret);
}

const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** The same claims under another header, with what `sign` makes of it. */
export function withHeader(token: string, header: Record<string, unknown>, sign: (text: string) => string): string {
  const text = `${encoded(header)}.${token.split('.')[1]}`;
  return `${text}.${sign(text)}`;
}
