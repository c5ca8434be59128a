// A signer: reads its key from the file that jwtrot delivers, at start and on SIGHUP, and mints tokens of 10 s, or of $TTL.
import { createPrivateKey, sign } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';

const TTL = Number(process.env.TTL ?? 10);
let jwk = null;

function load() {
  // A test holds it up: as a service that is stuck would, it goes on with the key that it has.
  if (jwk !== null && existsSync('/run/hold-issuer')) return;
  try {
    jwk = JSON.parse(readFileSync('/run/jwtrot/api.jwk', 'utf8'));
  } catch (error) {
    console.error(`no key: ${error.message}`);
  }
}

function mint() {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const now = Math.floor(Date.now() / 1000);
  const input = `${part({ alg: 'ES256', kid: jwk.kid })}.${part({ sub: 'test', iat: now, exp: now + TTL })}`;
  const key = createPrivateKey({ key: jwk, format: 'jwk' });
  return `${input}.${sign('sha256', Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
}

load();
process.on('SIGHUP', load);
createServer((request, response) => {
  if (jwk === null) response.writeHead(503).end();
  else if (request.url === '/token') response.end(mint());
  else
    response.setHeader('Content-Type', 'application/json').end(JSON.stringify({ kid: jwk.kid, uid: process.getuid() }));
}).listen(8080, '127.0.0.1');
