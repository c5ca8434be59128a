import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { parse } from 'yaml';
import { freePort } from '../../e2e/world.js';
import { changed } from '../../languages/programs.js';
import { hurried, KEYSET } from '../canary.js';
import type { Place, VerifierKind } from '../party.js';
import { livesAs, Process, statusOf } from '../process.js';
import { example } from '../web.js';

const APACHE = '/usr/sbin/apache2';
const MODULES = '/usr/lib/apache2/modules';

/** A configuration of Apache that touches nothing outside of the folder. */
const MAIN = `User www-data
Group www-data
ServerName localhost
PidFile apache.pid
ErrorLog error.log
DefaultRuntimeDir .
StartServers 2
${['mpm_event', 'authn_core', 'authz_core', 'authz_user', 'proxy', 'proxy_http', 'auth_openidc']
  .map((name) => `LoadModule ${name}_module ${MODULES}/mod_${name}.so`)
  .join('\n')}
Include api.conf
`;

function certificate(folder: string): { key: Buffer; cert: Buffer } {
  const [key, cert] = [`${folder}/tls.key`, `${folder}/tls.crt`];
  const args = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-subj', '/CN=localhost', '-days', '2'];
  execFileSync('openssl', ['req', '-x509', '-nodes', ...args, '-keyout', key, '-out', cert], { stdio: 'ignore' });
  return { key: readFileSync(key), cert: readFileSync(cert) };
}

async function listens(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

/** The JWKS by https, since Apache takes nothing else. */
function tlsBefore(url: string, folder: string): Server {
  return createTlsServer(certificate(folder), async (_, response) => {
    const answer = await fetch(url, { headers: { connection: 'close' } }).catch(() => null);
    response.writeHead(answer?.status ?? 502, { connection: 'close' }).end(await answer?.text());
  });
}

/** examples/apache, without TLS of its own, on ports of its own. */
async function openApache({ world, jwksUrl }: Place): Promise<{ server: Process; close(): Promise<void> }> {
  const port = await freePort();
  const folder = world.folderFor('apache');
  const backend = createServer((_, response) => response.end('{}'));
  const tls = tlsBefore(jwksUrl, folder);
  const [api, jwks] = [await listens(backend), await listens(tls)];
  const site = changed(example('apache/api.conf'), [
    ['<VirtualHost *:443>', `Listen 127.0.0.1:${port}\nOIDCOAuthSSLValidateServer Off\n<VirtualHost *:${port}>`],
    ['SSLEngine on', ''],
    ['SSLCertificateFile /etc/ssl/api.example/fullchain.pem', ''],
    ['SSLCertificateKeyFile /etc/ssl/api.example/privkey.pem', ''],
    ['https://id.example/.well-known/jwks.json', `https://127.0.0.1:${jwks}/jwks.json`],
    ['127.0.0.1:3000', `127.0.0.1:${api}`],
  ]);
  writeFileSync(`${folder}/api.conf`, site);
  writeFileSync(`${folder}/apache.conf`, `ServerRoot ${folder}\n${MAIN}`);
  const server = new Process({ command: [APACHE, '-DFOREGROUND', '-f', `${folder}/apache.conf`], folder, port });
  const close = async () => {
    for (const one of [backend, tls]) {
      one.closeAllConnections();
      one.close();
    }
  };
  return { server, close };
}

/** `Apache 2.4.71, mod_auth_openidc 2.4.12.3`: dpkg-query prints a line for each package. */
function version(): string {
  const said = execFileSync('dpkg-query', ['-W', 'apache2-bin', 'libapache2-mod-auth-openidc'], { encoding: 'utf8' });
  const [apache, module] = said.split('\n').map((line) => /\t([\d.]+)/.exec(line)?.[1]);
  return `Apache ${apache}, mod_auth_openidc ${module}`;
}

/** The example's entry. What systemd does for a reload of Debian's apache2.service is a graceful restart: this signal. */
function serviceOf(server: Process, deadline: string): object {
  const { services } = parse(example('apache/jwtrot.yaml')).keysets.api;
  const apache = services.find(({ name }: { name: string }) => name === 'apache');
  const reload = { signal: 'USR1', pidFile: server.pidFile, timeout: '2s' };
  const url = changed(apache.health.url, [['https://api.example', server.url('')]]);
  return { ...apache, reload, health: { ...apache.health, url, ...hurried(deadline) } };
}

/** It asks for the JWKS when it meets a kid that it does not know, and forgets it at each reload. */
export const verifier: VerifierKind = {
  name: 'Apache, mod_auth_openidc',
  role: 'verifier',
  reads: 'url',
  withoutJwks: 401,
  servedTooLong: 'accepts',
  version,
  async open(place) {
    const { server, close } = await openApache(place);
    return {
      keyset: KEYSET,
      service: (deadline) => serviceOf(server, deadline),
      check: (token) => statusOf(server.url('/orders'), token),
      ...livesAs(server),
      said: () => readFileSync(`${server.options.folder}/error.log`, 'utf8'),
      close,
    };
  },
};
