// A service that holds its keys in the keyring, as docs/services.md says. Run as a process of its own:
// node keyring-service.js '{"keyset":"api","role":"both","from":{"files":{…}}}'.
import { createServer } from 'node:http';
import { openKeyring } from 'jwtrot';

const keyring = await openKeyring(JSON.parse(process.argv[2] ?? '{}'));
const ASKED = { issuer: 'e2e', audience: null, type: 'at+jwt' };

const routes = {
  '/healthz': () => {
    const health = keyring.health();
    return [health.status, health];
  },
  '/jwks.json': () => [200, keyring.jwks()],
  '/token': async () => {
    const token = await keyring.sign({ sub: 'user' }, { issuer: 'e2e', type: 'at+jwt', expiresIn: '10m' });
    return [200, { token }];
  },
  '/verify': async (url) => {
    const { protectedHeader } = await keyring.verify(url.searchParams.get('token') ?? '', ASKED);
    return [200, { kid: protectedHeader.kid }];
  },
  '/close': async () => {
    await keyring.close();
    server.close();
    return [200, {}];
  },
};

const server = createServer(async (request, response) => {
  const url = new URL(request.url ?? '/', 'http://localhost');
  const [status, body] = await Promise.resolve(routes[url.pathname](url)).catch(
    ({ status: failed = 500, code, message }) => [failed, { code, message }],
  );
  response.writeHead(status, { 'content-type': 'application/json', connection: 'close' }).end(JSON.stringify(body));
}).listen(0, '127.0.0.1', () => console.log(server.address().port));
