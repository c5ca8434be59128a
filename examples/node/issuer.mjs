import { createServer } from 'node:http';
import { openKeyring } from 'jwtrot';

const here = process.cwd();
const keyring = await openKeyring({
  keyset: 'api',
  role: 'signer',
  from: { files: { jwks: `${here}/public/jwks.json`, key: `${here}/private/api.jwk` } },
  maxTokenTtl: '1h',
});

createServer(async (request, response) => {
  const health = keyring.health();
  if (request.url === '/healthz') return response.writeHead(health.status).end(JSON.stringify(health));
  try {
    const options = { issuer: 'tutorial', audience: 'api', expiresIn: '10m' };
    response.end(await keyring.sign({ sub: 'ada' }, options));
  } catch (error) {
    response.writeHead(error.status ?? 500).end(`${error.code}\n`);
  }
}).listen(4001, '127.0.0.1');
