import { fileURLToPath } from 'node:url';
import { freePort } from '../../e2e/world.js';
import { PYTHON } from '../../languages/programs.js';
import { versionOf } from '../debian.js';
import { CLAIMS, OWN_CACHE, type VerifierKind } from '../party.js';
import { livesAs, Process, statusOf } from '../process.js';

const PROGRAM = fileURLToPath(new URL('jwcrypto-verifier.py', import.meta.url));

/** It tells no kids: canaries show what it does. */
export const verifier: VerifierKind = {
  name: 'Python, jwcrypto',
  role: 'verifier',
  reads: 'url',
  withoutJwks: 503,
  servedTooLong: 'accepts',
  version: () => `jwcrypto ${versionOf('python3-jwcrypto')}`,
  async open({ world, jwksUrl }) {
    const port = await freePort();
    const command = [PYTHON, '-u', PROGRAM, jwksUrl, String(port), String(OWN_CACHE)];
    const server = new Process({ command, folder: world.folderFor('jwcrypto'), port });
    return {
      service: (deadline) => ({
        name: 'orders',
        role: 'verifier',
        reload: { none: true },
        health: { type: 'canary', url: server.url('/orders'), claims: CLAIMS, every: '500ms', deadline },
      }),
      check: (token) => statusOf(server.url('/orders'), token),
      ...livesAs(server),
    };
  },
};
