import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { KeyringError } from '../keyring/keyring-error.js';
import type { Keyring } from '../keyring/public.js';
import { TOKEN_LIFE } from './site.js';
import { AUDIENCE, ISSUER, TOKEN_TYPE } from './tokens.js';

/** A service of the demonstration: a keyring behind HTTP, on loopback. */
export interface Service {
  readonly name: string;
  /** `127.0.0.1:PORT` */
  readonly address: string;
  readonly keyring: Keyring;
  /** Ends it and its keyring. */
  close(): Promise<void>;
}

/** A signer that can be made to fail. */
export interface Issuer extends Service {
  /** From now on it can't work with any other key than the one that it has: it answers 503. Null mends it. */
  fault: 'no-other-key' | null;
}

type Answer = { readonly status: number; readonly body: unknown };
type Route = (body: string) => Promise<Answer> | Answer;
type Routes = Readonly<Record<string, Route>>;

const ok = (body: unknown): Answer => ({ status: 200, body });
const BROKEN: Answer = { status: 503, body: { error: 'it can not work with this key' } };

/** Signs on `GET /token`. */
export async function openIssuer(name: string, keyring: Keyring): Promise<Issuer> {
  let fault: { readonly kid: string | null } | null = null;
  const isBroken = () => fault !== null && keyring.health().kid !== fault.kid;
  let count = 0;
  const service = await listen(name, keyring, {
    '/healthz': () => (isBroken() ? BROKEN : ok(keyring.health())),
    '/token': async () => {
      if (isBroken()) return BROKEN;
      count += 1;
      const claims = { sub: `user-${count}` };
      const options = { issuer: ISSUER, audience: AUDIENCE, expiresIn: `${TOKEN_LIFE}ms`, type: TOKEN_TYPE };
      return ok({ token: await keyring.sign(claims, options) });
    },
  });
  return {
    ...service,
    get fault() {
      return fault === null ? null : 'no-other-key';
    },
    set fault(value) {
      fault = value === null ? null : { kid: keyring.health().kid };
    },
  };
}

/** Checks the token in the body of `POST /check`. */
export function openVerifier(name: string, keyring: Keyring): Promise<Service> {
  return listen(name, keyring, {
    '/healthz': () => ok(keyring.health()),
    '/check': async (token) => {
      await keyring.verify(token, { issuer: ISSUER, audience: AUDIENCE, type: TOKEN_TYPE });
      return ok({});
    },
  });
}

async function listen(name: string, keyring: Keyring, routes: Routes): Promise<Service> {
  const all: Routes = {
    ...routes,
    '/reload': async () => {
      await keyring.reload();
      return ok({});
    },
  };
  const server = createServer((request, response) => void respond(all, request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { name, address: `127.0.0.1:${port}`, keyring, close: () => close(server, keyring) };
}

async function respond(routes: Routes, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { status, body } = await answer(routes, request);
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

async function answer(routes: Routes, request: IncomingMessage): Promise<Answer> {
  const route = Object.hasOwn(routes, request.url ?? '') ? routes[request.url ?? ''] : undefined;
  if (route === undefined) return { status: 404, body: {} };
  try {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    return await route(body);
  } catch (error) {
    const status = error instanceof KeyringError ? error.status : 500;
    return { status, body: { error: error instanceof KeyringError ? error.code : 'failed' } };
  }
}

async function close(server: Server, keyring: Keyring): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await keyring.close();
}
