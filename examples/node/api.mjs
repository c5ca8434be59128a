import { createServer } from 'node:http';
import { openKeyring } from 'jwtrot';

const keyring = await openKeyring({
  keyset: 'api',
  role: 'verifier',
  from: { files: { jwks: `${process.cwd()}/public/jwks.json` } },
});

createServer(async (request, response) => {
  const health = keyring.health();
  if (request.url === '/healthz') return response.writeHead(health.status).end(JSON.stringify(health));
  try {
    const token = (request.headers.authorization ?? '').replace('Bearer ', '');
    const asked = { issuer: 'tutorial', audience: 'api', type: 'JWT' };
    const { payload, protectedHeader } = await keyring.verify(token, asked);
    response.end(`hello ${payload.sub}, by key ${protectedHeader.kid.slice(0, 8)}\n`);
  } catch (error) {
    response.writeHead(error.status ?? 500).end(`${error.code}\n`);
  }
}).listen(4002, '127.0.0.1');
