import { canary, KEYSET } from '../canary.js';
import { openProgram, versionsOf } from '../npm-program.js';
import { OWN_CACHE, type VerifierKind } from '../party.js';
import { livesAs, statusOf } from '../process.js';

export const verifier: VerifierKind = {
  name: '@fastify/jwt, get-jwks',
  role: 'verifier',
  reads: 'url',
  withoutJwks: 500,
  servedTooLong: 'accepts',
  version: () => versionsOf('@fastify/jwt', 'get-jwks', 'fastify'),
  async open(place) {
    const server = await openProgram(place, 'fastify-jwt/verifier.mjs', [
      ["domain: 'https://id.example'", `domain: '${new URL(place.jwksUrl).origin}'`],
      ['60_000', `${OWN_CACHE * 1000}`],
    ]);
    return {
      keyset: KEYSET,
      service: (deadline) => ({
        name: 'fastify',
        role: 'verifier',
        reload: { signal: 'HUP', pidFile: server.pidFile, timeout: '2s' },
        health: canary(server.url('/orders'), deadline),
      }),
      check: (token) => statusOf(server.url('/orders'), token),
      ...livesAs(server),
    };
  },
};
