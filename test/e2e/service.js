// A dependent service as one would write it: it loads the delivered files, reads them again on SIGHUP, and reports what
// it holds. Run as its own process: node service.js '{"role":"both","jwks":…,"key":…,"pidFile":…,"reloadMs":50}'.
//
// With "store" (a keyset's folder in a local store) and "kek" it reads no delivered key: it unwraps the active and the pending
// key itself, and says which it has in memory. While the file "sealed" is there it can't unwrap what it has not yet.
import { createPrivateKey } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { compactDecrypt, createLocalJWKSet, importJWK, jwtVerify, SignJWT } from 'jose';

const options = JSON.parse(process.argv[2] ?? '{}');
const { jwks, key, store, kek, sealed = '', pidFile, portFile, port = 0, reloadMs = 0, claims = {} } = options;
const FRESH = { kid: null, kids: [], jwks: null, signingKey: null, alg: null, reloads: 0, firstKid: null, held: null };
const state = { ...FRESH };

/** A file that is not there yet is nothing to die of: jwtrot's first run makes it. */
function read(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return null;
  }
}

async function unwrap(thumbprint) {
  if (existsSync(sealed)) throw new Error('it may not unwrap');
  const { jwe } = read(`${store}/keys/${thumbprint}.json`);
  const { plaintext } = await compactDecrypt(jwe, Buffer.from(readFileSync(kek, 'utf8').trim(), 'base64url'));
  return createPrivateKey({ key: Buffer.from(plaintext), format: 'der', type: 'pkcs8' });
}

/** What it can't unwrap it goes without; the key that it signs with stays until it has another. */
async function loadFromStore() {
  const folder = `${store}/manifest`;
  const newest = existsSync(folder) ? readdirSync(folder).sort().at(-1) : undefined;
  const keys = newest === undefined ? [] : read(`${folder}/${newest}`).keys;
  const held = new Map();
  for (const one of keys.filter(({ state: is }) => is === 'active' || is === 'pending')) {
    const there = state.held?.get(one.kid) ?? (await unwrap(one.thumbprint).catch(() => null));
    if (there !== null) held.set(one.kid, there);
  }
  state.held = held;
  const active = keys.find((one) => one.state === 'active' && held.has(one.kid));
  if (active !== undefined)
    Object.assign(state, { kid: active.kid, alg: active.alg, signingKey: held.get(active.kid) });
}

async function load() {
  if (store !== undefined) await loadFromStore();
  if (jwks !== undefined) {
    state.jwks = read(jwks);
    state.kids = state.jwks?.keys.map((one) => one.kid) ?? [];
  }
  const jwk = key === undefined ? null : read(key);
  if (jwk !== null) {
    // One that takes the new name and goes on with the old key: a half-done reload.
    if (options.mislabels !== true || state.signingKey === null) state.signingKey = await importJWK(jwk, jwk.alg);
    state.alg = jwk.alg;
    state.kid = jwk.kid;
    state.firstKid ??= jwk.kid;
  }
}

async function mint(life) {
  const token = new SignJWT({ sub: 'user', ...claims })
    .setProtectedHeader({ alg: state.alg, kid: state.kid })
    .setIssuedAt();
  return token.setExpirationTime(`${life}s`).sign(state.signingKey);
}

async function textOf(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

let logins = 0;
/** What it is told to do with tokens: nothing else, accept all, reject all, be busy, or reject those of one kid. */
let manner = 'right';
const canaries = [];

/** A path that only a valid token may reach; it reports no kid to anybody. */
async function guard(request) {
  const token = (request.headers.authorization ?? '').replace(/^Bearer /, '');
  canaries.push(token);
  if (manner === 'busy') return 429;
  if (manner === 'accepts all') return 200;
  const verified = await jwtVerify(token, createLocalJWKSet(state.jwks), { audience: 'api' }).catch(() => null);
  if (verified === null || manner === 'rejects all') return 401;
  return manner === verified.protectedHeader.kid ? 401 : 403;
}

const routes = {
  '/healthz': () => ({
    ...(key === undefined && store === undefined ? {} : { kid: state.kid }),
    ...(store === undefined ? {} : { preloaded: [...(state.held?.keys() ?? [])] }),
    ...(jwks === undefined ? {} : { kids: state.kids }),
    worker: process.pid,
    reloads: state.reloads,
  }),
  '/token': async (url) => ({ token: await mint(Number(url.searchParams.get('life') ?? 60)) }),
  // As an OAuth server has it (RFC 6749 section 4.4), behind a password.
  '/login': async (_, request) => {
    logins += 1;
    const asked = `${request.method} ${request.headers['content-type']} ${await textOf(request)}`;
    if (asked !== 'POST application/x-www-form-urlencoded grant_type=password&password=topsecret')
      throw new Error(asked);
    return { access_token: await mint(60), token_type: 'Bearer' };
  },
  '/manner': (url) => {
    manner = url.searchParams.get('is');
    return { manner };
  },
  '/canaries': () => ({ canaries }),
  '/logins': () => ({ logins }),
  '/verify': async (url) => {
    const { protectedHeader } = await jwtVerify(url.searchParams.get('token') ?? '', createLocalJWKSet(state.jwks));
    return { kid: protectedHeader.kid };
  },
  '/restart': async () => {
    Object.assign(state, FRESH);
    await load();
    return {};
  },
};

process.on('SIGHUP', () => {
  state.reloads += 1;
  if (options.ignoreReload === true) return;
  if (options.dieOnReload === true && state.reloads > (options.dieAfter ?? 0)) process.exit(1);
  setTimeout(load, reloadMs);
});
process.on('SIGTERM', () => process.exit(0));

const server = createServer(async (request, response) => {
  const url = new URL(request.url ?? '/', 'http://localhost');
  try {
    // A new key breaks it, as one of an algorithm that its library lacks would.
    if (options.onlyFirstKey === true && state.kid !== state.firstKid) {
      response.statusCode = 503;
      return response.end();
    }
    if (url.pathname === '/guarded') {
      response.statusCode = await guard(request);
      return response.end('{}');
    }
    const route = routes[url.pathname];
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(await route(url, request)));
  } catch (error) {
    response.statusCode = 401;
    response.end(JSON.stringify({ error: String(error) }));
  }
});
/** Whole or not there: whoever waits for these files reads them at once. */
function place(path, text) {
  writeFileSync(`${path}.new`, text);
  renameSync(`${path}.new`, path);
}

function listening() {
  if (pidFile !== undefined) place(pidFile, `${process.pid}\n`);
  if (portFile !== undefined) place(portFile, `${server.address().port}\n`);
  else process.stdout.write(`${server.address().port}\n`);
}

// No top-level await: it is bundled for require().
load().then(() => server.listen(port, '127.0.0.1', listening));
