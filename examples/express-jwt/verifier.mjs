// npm install express express-jwt jwks-rsa. Its jwksMaxAge is cacheMaxAge; docs/gateways.md says why there is no rateLimit.
import express from 'express';
import { expressjwt } from 'express-jwt';
import jwksRsa from 'jwks-rsa';

const app = express();
app.use(
  expressjwt({
    secret: jwksRsa.expressJwtSecret({
      jwksUri: 'https://id.example/.well-known/jwks.json',
      cacheMaxAge: 60_000,
      cacheMaxEntries: 20,
    }),
    algorithms: ['ES256'],
    issuer: 'https://id.example',
    audience: 'api',
  }),
);
app.get('/orders', (request, response) => response.json({ sub: request.auth.sub }));
app.listen(3000, '127.0.0.1');
