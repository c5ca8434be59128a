import { canary, KEYSET } from '../canary.js';
import { openProgram, versionsOf } from '../npm-program.js';
import { OWN_CACHE, type VerifierKind } from '../party.js';
import { livesAs, statusOf } from '../process.js';

/** It fetches each key by itself, and forgets it after `cacheMaxAge`: nobody reloads it. */
export const verifier: VerifierKind = {
  name: 'express-jwt, jwks-rsa',
  role: 'verifier',
  reads: 'url',
  withoutJwks: 500,
  servedTooLong: 'accepts',
  version: () => versionsOf('express-jwt', 'jwks-rsa', 'express'),
  async open(place) {
    const server = await openProgram(place, 'express-jwt/verifier.mjs', [
      ['https://id.example/.well-known/jwks.json', place.jwksUrl],
      ['60_000', `${OWN_CACHE * 1000}`],
    ]);
    return {
      keyset: KEYSET,
      service: (deadline) => ({
        name: 'express',
        role: 'verifier',
        reload: { none: true },
        health: canary(server.url('/orders'), deadline),
      }),
      check: (token) => statusOf(server.url('/orders'), token),
      ...livesAs(server),
    };
  },
};
