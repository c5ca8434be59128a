import { writeFileSync } from 'node:fs';
import { parse } from 'yaml';
import { changed } from '../../languages/programs.js';
import { openProgram, versionsOf } from '../npm-program.js';
import type { SignerKind } from '../party.js';
import { livesAs, type Process } from '../process.js';
import { PATIENT } from '../stage.js';
import { example } from '../web.js';

const CLIENT = Buffer.from('orders:change-me-to-a-long-random-value').toString('base64');
const HEADERS = { authorization: `Basic ${CLIENT}`, 'content-type': 'application/x-www-form-urlencoded' };
const GRANT = 'grant_type=client_credentials';

interface Entry {
  readonly reload: object;
  readonly health: { readonly type: string };
}

/** The example's two entries: what it publishes, and what it signs with. */
function services(server: Process, deadline: string): Entry[] {
  const { folder, port } = server.options;
  const yaml = changed(example('oidc-provider/jwtrot.yaml'), [
    ['/run/provider.pid', server.pidFile],
    ['127.0.0.1:3000', `127.0.0.1:${port}`],
    ['/etc/jwtrot', folder],
  ]);
  const entries = parse(yaml).keysets.id.services as Entry[];
  // Tokens are not asked for more often than every two seconds: a shorter deadline is refused.
  const limit = ({ health }: Entry) => (health.type === 'token' ? PATIENT : deadline);
  return entries.map((entry) => ({
    ...entry,
    // No key signs before a slow reload can be over.
    reload: { ...entry.reload, timeout: '2s' },
    health: { ...entry.health, deadline: limit(entry) },
  }));
}

async function tokenOf(server: Process): Promise<string | null> {
  const request = { method: 'POST', headers: { ...HEADERS, connection: 'close' }, body: GRANT };
  const signal = AbortSignal.timeout(10_000);
  const response = await fetch(server.url('/token'), { ...request, signal }).catch(() => null);
  if (response?.status !== 200) return null;
  return ((await response.json()) as { access_token: string }).access_token;
}

export const signer: SignerKind = {
  name: 'oidc-provider',
  role: 'signer',
  version: () => versionsOf('oidc-provider'),
  async open(place) {
    const server = await openProgram(place, 'oidc-provider/provider.mjs', [
      ['/run/jwtrot/api.jwk', place.key],
      ['/srv/jwks/jwks.json', place.jwks],
    ]);
    const { folder } = server.options;
    writeFileSync(`${folder}/probe-client`, HEADERS.authorization, { mode: 0o600 });
    writeFileSync(`${folder}/probe-grant`, GRANT, { mode: 0o600 });
    return {
      service: (deadline) => services(server, deadline),
      mint: () => tokenOf(server),
      ...livesAs(server),
    };
  },
};
