import { execFileSync } from 'node:child_process';
import { prepareProgram } from '../../languages/programs.js';
import { versionOf } from '../debian.js';
import { TRUSTED_FOR, type VerifierKind } from '../party.js';
import { livesAs, Process, statusOf } from '../process.js';

const GO = process.env['JWTROT_TEST_GO'] ?? 'go';

/** The verifier of docs/services-python-go.md, which reads the URL. */
export const verifier: VerifierKind = {
  name: 'Go, golang-jwt',
  role: 'verifier',
  reads: 'url',
  withoutJwks: 503,
  // It counts the Age.
  servedTooLong: 'unavailable',
  version() {
    const [, , go = ''] = execFileSync(GO, ['version'], { encoding: 'utf8' }).split(' ');
    return `golang-jwt ${versionOf('golang-github-golang-jwt-jwt-dev')}, Go ${go.replace('go', '')}`;
  },
  async open({ world, jwksUrl }) {
    const prepared = await prepareProgram('go', 'verifier', world.path('golang-jwt'), [
      ['"/srv/jwks/jwks.json"', `"${jwksUrl}"`],
      ['= time.Hour ', `= ${TRUSTED_FOR} * time.Second `],
      ['urlEvery   = time.Minute', 'urlEvery   = time.Second'],
    ]);
    const server = new Process(prepared);
    return {
      service: (deadline) => ({
        name: 'gateway',
        role: 'verifier',
        reload: { signal: 'HUP', pidFile: server.pidFile, timeout: '2s' },
        health: { url: server.url('/healthz'), deadline },
      }),
      check: (token) => statusOf(server.url('/check'), token),
      ...livesAs(server),
    };
  },
};
