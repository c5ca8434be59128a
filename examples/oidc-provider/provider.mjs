// npm install oidc-provider. It publishes and signs with what jwtrot writes; SIGHUP makes it read that again.
import { createPublicKey } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import Provider, { ExternalSigningKey } from 'oidc-provider';

/** A key that is published, and does not sign here: the next one, or a former one. */
class Published extends ExternalSigningKey {
  constructor(jwk) {
    super();
    this.kid = jwk.kid;
    this.alg = jwk.alg;
    this.object = createPublicKey({ key: jwk, format: 'jwk' });
  }

  get key_ops() {
    return ['verify'];
  }

  keyObject() {
    return this.object;
  }
}

const read = (path) => JSON.parse(readFileSync(path, 'utf8'));

/** Before the first key is in force, and after a leak without a replacement, there is none. */
function readActive() {
  if (!existsSync('/run/jwtrot/api.jwk')) return null;
  const { jwtrot: _, ...active } = read('/run/jwtrot/api.jwk');
  return active;
}

function open() {
  const active = readActive();
  const { keys } = read('/srv/jwks/jwks.json');
  const sign = { alg: active?.alg ?? keys[0].alg, kid: active?.kid };
  const provider = new Provider('https://id.example', {
    jwks: { keys: keys.map((jwk) => (jwk.kid === active?.kid ? active : new Published(jwk))) },
    clientDefaults: { id_token_signed_response_alg: sign.alg },
    clients: [
      {
        client_id: 'orders',
        client_secret: 'change-me-to-a-long-random-value',
        grant_types: ['client_credentials'],
        redirect_uris: [],
        response_types: [],
      },
    ],
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      externalSigningSupport: { enabled: true, ack: 'experimental-01' },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => 'https://api.example',
        getResourceServerInfo: () => ({ scope: '', audience: 'api', accessTokenFormat: 'jwt', jwt: { sign } }),
      },
    },
    ttl: { ClientCredentials: 900 },
  });
  return provider.callback();
}

let answer = unavailable;
function unavailable(_request, response) {
  response.writeHead(503).end();
}
function reload() {
  try {
    answer = open();
  } catch (error) {
    process.stderr.write(`${error.message}\n`);
    answer = unavailable;
  }
}
reload();
process.on('SIGHUP', reload);
createServer((request, response) => answer(request, response)).listen(3000, '127.0.0.1');
