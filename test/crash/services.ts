import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import {
  createLocalJWKSet,
  exportJWK,
  generateKeyPair,
  importJWK,
  type JSONWebKeySet,
  type JWK,
  jwtVerify,
  SignJWT,
} from 'jose';

/** What becomes of a request: nothing is done, or it is done; in both cases nobody hears of it. */
export type Held = 'before' | 'after';

/**
 * An issuer and a gateway behind one HTTP server of this process, so that hundreds of runs can be tried. They hold what
 * they read at their last reload, as real ones do: the outlets' files may say something else meanwhile.
 */
export class Services {
  readonly #http: Server = createServer((request, response) => void this.#answer(request, response));
  readonly #files: { readonly key: string; readonly jwks: string };
  #key: (JWK & { kid: string; alg: string }) | null = null;
  #jwks: JSONWebKeySet = { keys: [] };
  #requests = 0;
  #hold: { readonly nth: number; readonly how: Held; readonly held: () => void } | null = null;
  url = '';
  /** With a key that it can't use the issuer is down. */
  canUse: (kid: string) => boolean = () => true;

  constructor(files: { key: string; jwks: string }) {
    this.#files = files;
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#http.listen(0, '127.0.0.1', resolve));
    const address = this.#http.address();
    this.url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
  }

  async close(): Promise<void> {
    this.#http.closeAllConnections();
    await new Promise((resolve) => this.#http.close(resolve));
  }

  /** As after a start: what the files hold now. */
  restart(): void {
    this.#key = null;
    this.#requests = 0;
    this.#hold = null;
    this.#loadKey();
    this.#jwks = read<JSONWebKeySet>(this.#files.jwks) ?? { keys: [] };
  }

  /** A key from before jwtrot, where the issuer and the gateway have it. */
  async bringKey(kid: string): Promise<void> {
    const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
    const named = { kid, alg: 'ES256', use: 'sig' };
    writeFileSync(this.#files.key, JSON.stringify({ ...(await exportJWK(privateKey)), ...named }));
    writeFileSync(this.#files.jwks, JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), ...named }] }));
    this.restart();
  }

  /** How many requests came since the restart. */
  get requests(): number {
    return this.#requests;
  }

  /** @returns when the nth request since the restart came */
  hold(nth: number, how: Held): Promise<void> {
    return new Promise((resolve) => {
      this.#hold = { nth, how, held: resolve };
    });
  }

  get signingKid(): string | null {
    return this.#key?.kid ?? null;
  }

  get acceptedKids(): string[] {
    return this.#jwks.keys.map((key) => key.kid ?? '');
  }

  /** A token of the issuer's; null before it has its first key. */
  async mint(): Promise<string | null> {
    if (this.#key === null || !this.canUse(this.#key.kid)) return null;
    const { kid, alg } = this.#key;
    const token = new SignJWT({}).setProtectedHeader({ alg, kid }).setIssuedAt().setExpirationTime('1h');
    return token.sign(await importJWK(this.#key, alg));
  }

  /** Whether the gateway takes it. */
  async accepts(token: string): Promise<boolean> {
    return jwtVerify(token, createLocalJWKSet(this.#jwks)).then(
      () => true,
      () => false,
    );
  }

  #loadKey(): void {
    this.#key = read<JWK & { kid: string; alg: string }>(this.#files.key) ?? this.#key;
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    this.#requests += 1;
    const hold = this.#hold?.nth === this.#requests ? this.#hold : null;
    const body = hold?.how === 'before' ? {} : this.#route(`${request.method} ${request.url}`);
    if (hold !== null) {
      hold.held();
      return;
    }
    response.statusCode = 'kid' in body && body.kid !== null && !this.canUse(`${body.kid}`) ? 503 : 200;
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(body));
  }

  #route(path: string): object {
    if (path === 'POST /issuer/reload') this.#loadKey();
    if (path === 'POST /gateway/reload') this.#jwks = read<JSONWebKeySet>(this.#files.jwks) ?? { keys: [] };
    return path.includes('/issuer/') ? { kid: this.signingKid } : { kids: this.acceptedKids };
  }
}

function read<T>(path: string): T | null {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as T;
  } catch {
    return null;
  }
}
