// A dependent service as one would write it: it loads the delivered files, reads them again on SIGHUP, and reports what
// it holds. Run as its own process: node service.js '{"role":"both","jwks":…,"key":…,"pidFile":…,"reloadMs":50}'.
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createLocalJWKSet, importJWK, jwtVerify, SignJWT } from 'jose';

const options = JSON.parse(process.argv[2] ?? '{}');
const { jwks, key, pidFile, portFile, port = 0, reloadMs = 0 } = options;
const state = { kid: null, kids: [], jwks: null, signingKey: null, alg: null, reloads: 0, firstKid: null };

/** A file that is not there yet is nothing to die of: jwtrot's first run makes it. */
function read(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return null;
  }
}

async function load() {
  if (jwks !== undefined) {
    state.jwks = read(jwks);
    state.kids = state.jwks?.keys.map((one) => one.kid) ?? [];
  }
  const jwk = key === undefined ? null : read(key);
  if (jwk !== null) {
    state.signingKey = await importJWK(jwk, jwk.alg);
    state.alg = jwk.alg;
    state.kid = jwk.kid;
    state.firstKid ??= jwk.kid;
  }
}

const routes = {
  '/healthz': () => ({
    ...(key === undefined ? {} : { kid: state.kid }),
    ...(jwks === undefined ? {} : { kids: state.kids }),
    worker: process.pid,
    reloads: state.reloads,
  }),
  '/token': async (url) => {
    const life = Number(url.searchParams.get('life') ?? 60);
    const token = new SignJWT({ sub: 'user' }).setProtectedHeader({ alg: state.alg, kid: state.kid }).setIssuedAt();
    return { token: await token.setExpirationTime(`${life}s`).sign(state.signingKey) };
  },
  '/verify': async (url) => {
    const { protectedHeader } = await jwtVerify(url.searchParams.get('token') ?? '', createLocalJWKSet(state.jwks));
    return { kid: protectedHeader.kid };
  },
};

await load();
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
    const route = routes[url.pathname];
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(await route(url)));
  } catch (error) {
    response.statusCode = 401;
    response.end(JSON.stringify({ error: String(error) }));
  }
});
server.listen(port, '127.0.0.1', () => {
  // Whole or not there: whoever waits for these files reads them at once.
  const place = (path, text) => {
    writeFileSync(`${path}.new`, text);
    renameSync(`${path}.new`, path);
  };
  if (pidFile !== undefined) place(pidFile, `${process.pid}\n`);
  if (portFile !== undefined) place(portFile, `${server.address().port}\n`);
  else process.stdout.write(`${server.address().port}\n`);
});
