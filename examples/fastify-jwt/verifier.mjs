// npm install fastify @fastify/jwt get-jwks. Its jwksMaxAge is a minute: docs/gateways.md.
import fastifyJwt from '@fastify/jwt';
import fastify from 'fastify';
import buildGetJwks from 'get-jwks';

const app = fastify();
const keys = buildGetJwks();
app.register(fastifyJwt, {
  decode: { complete: true },
  secret: (_request, { header: { kid, alg } }) => keys.getPublicKey({ kid, alg, domain: 'https://id.example' }),
  verify: { allowedIss: 'https://id.example', allowedAud: 'api' },
});

app.addHook('onRequest', async (request, reply) => {
  try {
    await request.jwtVerify();
  } catch (error) {
    // Without this it answers 500, as it does when it can't fetch.
    if (error.code === 'JWK_NOT_FOUND') reply.code(401);
    throw error;
  }
});

// Else it goes on with the last copy of a key that is no longer published, for as long as tokens of it come.
function forget() {
  keys.cache.clear(); // first: what leaves it goes into the other one
  keys.staleCache.clear();
}
setInterval(forget, 60_000);
process.on('SIGHUP', forget);

app.get('/orders', async (request) => ({ sub: request.user.sub }));
await app.listen({ port: 3000, host: '127.0.0.1' });
