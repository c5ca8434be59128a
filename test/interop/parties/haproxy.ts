import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { parse } from 'yaml';
import { freePort } from '../../e2e/world.js';
import { changed } from '../../languages/programs.js';
import type { Place, VerifierKind } from '../party.js';
import { livesAs, Process, statusOf } from '../process.js';
import { example } from '../web.js';

const HAPROXY = '/usr/sbin/haproxy';

const folderOf = ({ world }: Place) => world.folderFor('haproxy');

/** What examples/haproxy has under a directive of the unit, in order, with the variables of Debian's unit. */
function unitSays(folder: string, directive: string, pidFile: string): string[] {
  const unit = example('haproxy/jwtrot.conf').replaceAll('/etc/haproxy', folder);
  const [, config = ''] = /^Environment="CONFIG=(.*)"$/m.exec(unit) ?? [];
  return [...unit.matchAll(new RegExp(`^${directive}=(.+)$`, 'gm'))].map(([, line = '']) =>
    line.replace('$CONFIG', config).replace('$EXTRAOPTS', '').replace('$MAINPID', `$(cat ${pidFile})`),
  );
}

/** As haproxy.service does it. */
function start(folder: string, port: number): Process {
  const [check = ''] = unitSays(folder, 'ExecReload', '').filter((line) => line.startsWith(HAPROXY));
  const run = check.replace('-Ws', '-W -db').replace('-c -q', '');
  const before = unitSays(folder, 'ExecStartPre', '');
  return new Process({ command: ['/bin/sh', '-c', `${before.join(' && ')} && exec ${run}`], folder, port });
}

export const verifier: VerifierKind = {
  name: 'HAProxy, jwt_verify',
  role: 'verifier',
  reads: 'files',
  withoutJwks: 503,
  version: () => `HAProxy ${/[\d.]+/.exec(execFileSync(HAPROXY, ['-v'], { encoding: 'utf8' }))?.[0]}`,
  lose(place) {
    const keys = `${folderOf(place)}/jwt`;
    for (const name of readdirSync(keys)) rmSync(`${keys}/${name}`);
  },
  async open(place) {
    const folder = folderOf(place);
    const port = await freePort();
    mkdirSync(`${folder}/jwt`, { mode: 0o755 });
    const files = {
      'haproxy.cfg': changed(example('haproxy/haproxy.cfg'), [
        ['bind 127.0.0.1:8080', `bind 127.0.0.1:${port}`],
        ['  user haproxy\n  group haproxy\n', ''],
      ]),
      'jwt-keys': changed(example('haproxy/jwt-keys'), [['/etc/haproxy', folder]]),
    };
    for (const [name, text] of Object.entries(files)) writeFileSync(`${folder}/${name}`, text, { mode: 0o755 });
    const server = start(folder, port);
    const { publish, services } = parse(
      changed(example('haproxy/jwtrot.yaml'), [
        ['/etc/haproxy', folder],
        ['/srv/jwks/jwks.json', `"${place.jwks}"`],
      ]),
    ).keysets.api;
    const service = services.find((one: { role: string }) => one.role === 'verifier');
    const reload = { command: ['/bin/sh', '-c', unitSays(folder, 'ExecReload', server.pidFile).join(' && ')] };
    return {
      keyset: { publish },
      service(deadline) {
        const url = changed(service.health.url, [[':8080', `:${port}`]]);
        return { ...service, reload, health: { ...service.health, url, every: '300ms', deadline } };
      },
      check: (token) => statusOf(server.url('/token-check'), token),
      ...livesAs(server),
    };
  },
};
