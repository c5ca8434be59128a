import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Der, der, elementsOf, encodeDer } from '../../src/keys/der.js';

/** Signs and verifies tokens with the `openssl` command, which knows nothing of JWS: signatures of ECDSA are DER there (RFC 7518 section 3.4). */
export class OpenSsl {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  static version(): string {
    return execFileSync('openssl', ['version'], { encoding: 'utf8' }).split(' ').slice(0, 2).join(' ');
  }

  verifies(alg: string, pem: string, token: string): boolean {
    const [header, claims, signature = ''] = token.split('.');
    const key = this.#file('public.pem', pem);
    const text = this.#file('text', `${header}.${claims}`);
    const raw = Buffer.from(signature, 'base64url');
    const sig = this.#file('signature', alg.startsWith('ES') ? toDer(raw) : raw);
    try {
      this.#run('-verify', '-pubin', '-inkey', key, '-in', text, '-sigfile', sig, ...optionsFor(alg));
      return true;
    } catch {
      return false;
    }
  }

  sign(alg: string, privatePem: string, claims: object): string {
    const encoded = [{ alg }, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
    const key = this.#file('private.pem', privatePem);
    const text = this.#file('text', encoded);
    const made = this.#run('-sign', '-inkey', key, '-in', text, ...optionsFor(alg));
    const signature = alg.startsWith('ES') ? fromDer(made, BYTES[alg] ?? 0) : made;
    return `${encoded}.${signature.toString('base64url')}`;
  }

  #file(name: string, content: string | Buffer): string {
    const path = join(this.#folder, name);
    writeFileSync(path, content, { mode: 0o600 });
    return path;
  }

  #run(...args: string[]): Buffer {
    return execFileSync('openssl', ['pkeyutl', '-rawin', ...args], { stdio: ['ignore', 'pipe', 'ignore'] });
  }
}

/** Of each of the two numbers. */
const BYTES: Readonly<Record<string, number>> = { ES256: 32, ES384: 48, ES512: 66 };

function optionsFor(alg: string): string[] {
  if (alg.startsWith('Ed')) return [];
  const digest = ['-digest', `sha${alg.slice(2)}`];
  if (!alg.startsWith('PS')) return digest;
  return [...digest, '-pkeyopt', 'rsa_padding_mode:pss', '-pkeyopt', 'rsa_pss_saltlen:digest'];
}

/** SEQUENCE { INTEGER r, INTEGER s }, both positive and as short as can be. */
function toDer(raw: Buffer): Buffer {
  const [r, s] = [raw.subarray(0, raw.length / 2), raw.subarray(raw.length / 2)].map((number) => {
    const digits = number.subarray(number.findIndex((byte) => byte !== 0));
    return der(2, Buffer.from((digits[0] ?? 0) >= 0x80 ? [0] : []), digits);
  });
  return encodeDer(der(0x30, r as Der, s as Der));
}

function fromDer(signature: Buffer, bytes: number): Buffer {
  const [content = signature] = elementsOf(signature);
  const numbers = elementsOf(content).map((number) => number.subarray(Math.max(0, number.length - bytes)));
  return Buffer.concat(numbers.flatMap((number) => [Buffer.alloc(bytes - number.length), number]));
}
