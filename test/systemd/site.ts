import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { CONFIGURATION, FAULTY, STUCK } from './configurations.js';
import { type Machine, until } from './machine.js';

const HERE = fileURLToPath(new URL('site/', import.meta.url));
const AWS = fileURLToPath(new URL('../aws/', import.meta.url));
const PACKAGE = fileURLToPath(new URL('../..', import.meta.url));

const unit = (lines: string[]) => `[Service]\n${lines.join('\n')}\n\n[Install]\nWantedBy=multi-user.target\n`;

/** What starts and reloads nginx with the kids that it reads. */
const NGINX = [
  '[Service]',
  'ExecStartPre=',
  'ExecStartPre=/opt/site/nginx-kids',
  'ExecReload=',
  'ExecReload=/opt/site/nginx-kids',
  "ExecReload=/usr/sbin/nginx -g 'daemon on; master_process on;' -s reload",
  '',
].join('\n');
const TRAFFIC = unit(['ExecStart=python3 /opt/site/traffic.py']);
const ISSUER = ['User=issuer', 'ExecStart=node /opt/site/issuer.mjs', 'ExecReload=/bin/sh -c "kill -HUP $MAINPID"'];
const VERIFIER = unit(['Type=notify-reload', 'DynamicUser=yes', 'ExecStart=python3 /opt/site/verifier.py']);

/** The services of docs/operations.md. Its tokens live as long as it takes to move to another host. */
export const PAGE_UNITS: Readonly<Record<string, string>> = {
  'issuer.service': unit([...ISSUER, 'Environment=TTL=600']),
  'gateway.service': VERIFIER,
  'traffic.service': TRAFFIC,
  'nginx.service.d/kids.conf': NGINX,
};

const UNITS: Readonly<Record<string, string>> = {
  'issuer.service': unit(ISSUER),
  'verifier.service': VERIFIER,
  'peaks.service': unit(['ExecStart=python3 /opt/site/peaks.py']),
  'aws.service': unit(['ExecStart=/bin/sh -c "sleep infinity | node /opt/aws/server-main.js > /run/aws.json"']),
  'traffic.service': TRAFFIC,
  'nginx.service.d/kids.conf': NGINX,
  'no-reload.service': unit(['ExecStart=sleep infinity']),
  'failing.service': unit(['ExecStart=sleep infinity', 'ExecReload=false']),
  'denied.service': unit(['ExecStart=sleep infinity', 'ExecReload=true']),
  // Drop-ins of the operator's own.
  // It is started more often here than anybody does.
  'jwtrot.service.d/50-often.conf': '[Unit]\nStartLimitIntervalSec=0\n',
  'jwtrot.timer.d/local.conf': '[Timer]\nRandomizedDelaySec=0\n',
  'jwtrot@.service.d/50-stuck.conf':
    '[Service]\nEnvironment=JWTROT_CONFIG=/etc/jwtrot/stuck.yaml\nMemoryMax=100M\nMemoryHigh=infinity\n',
};

/** A file of a machine that is not running yet. */
export function put(root: string, path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true, mode: 0o755 });
  writeFileSync(join(root, path), text);
  chmodSync(join(root, path), 0o644);
}

/** Programs, the web server, and units of a machine that is not running yet. */
export function furnishServices(root: string, units: Readonly<Record<string, string>>): void {
  mkdirSync(join(root, 'opt/site'), { recursive: true });
  for (const name of readdirSync(HERE)) {
    copyFileSync(join(HERE, name), join(root, 'opt/site', name));
    chmodSync(join(root, 'opt/site', name), 0o755);
  }
  copyFileSync(join(HERE, 'nginx.conf'), join(root, 'etc/nginx/nginx.conf'));
  for (const [name, text] of Object.entries(units)) put(root, `etc/systemd/system/${name}`, text);
  put(root, 'etc/sysusers.d/issuer.conf', 'u issuer - - - -\n');
}

/** Puts the services and configurations into a machine that is not running yet. */
export function furnish(root: string): void {
  furnishServices(root, UNITS);
  const aws = readdirSync(AWS).filter((name) => /^server.*\.js$/.test(name));
  for (const name of aws) put(root, `opt/aws/${name}`, readFileSync(join(AWS, name), 'utf8'));
  put(root, 'opt/aws/package.json', '{"type":"module"}');
  // Three of the four: what the rule of ours does not name is denied.
  put(
    root,
    'etc/polkit-1/rules.d/40-faults.rules',
    'polkit.addRule(function (action, subject) { if (subject.user === "jwtrot" && /^(no-reload|missing|failing)\\.service$/.test(action.lookup("unit"))) return polkit.Result.YES; });\n',
  );
  for (const [name, value] of Object.entries({ jwtrot: CONFIGURATION, stuck: STUCK, faulty: FAULTY }))
    put(root, `etc/jwtrot/${name}.yaml`, stringify(value));
}

/** What `npm install -g` would be given: the package as it is published. */
export function pack(root: string, path = 'opt/jwtrot.tgz'): void {
  const folder = mkdtempSync(join(tmpdir(), 'jwtrot-pack-'));
  try {
    const args = ['pack', '--silent', '--ignore-scripts', '--pack-destination', folder];
    const name = execFileSync('npm', args, { cwd: PACKAGE, encoding: 'utf8' }).trim().split('\n').at(-1) ?? '';
    copyFileSync(join(folder, name), join(root, path));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export interface Tally {
  readonly minted: number;
  readonly checked: number;
  readonly rejected: number;
  readonly unavailable: number;
  readonly reasons: readonly string[];
  readonly kids: readonly string[];
}

export async function tally(machine: Machine): Promise<Tally> {
  return JSON.parse(await machine.must('cat /run/traffic.json')) as Tally;
}

export interface Status {
  readonly rollout: { readonly phase: string } | null;
  readonly keys: readonly { readonly kid: string; readonly state: string; readonly version: number }[];
}

const MANIFESTS = '/var/lib/jwtrot/store/api/manifest';

/** The keyset `api`, as its store has it: a look that costs no second. */
export async function status(machine: Machine): Promise<Status> {
  const text = await machine.must(`cd ${MANIFESTS} && cat "$(ls | grep '\\.json$' | tail -n 1)"`);
  return { rollout: null, ...(JSON.parse(text) as Omit<Status, 'rollout'> & Partial<Status>) };
}

export async function active(machine: Machine): Promise<string> {
  return (await status(machine)).keys.find((key) => key.state === 'active')?.kid ?? '';
}

/** Timer runs come and go: this waits for one that has rotated. */
export function rotatedFrom(machine: Machine, kid: string, limit = 60_000): Promise<void> {
  return until(
    async () => (await issuerKid(machine)) !== kid,
    'the issuer signs with a new key',
    limit,
    () => machine.must('journalctl -u jwtrot --no-pager -n 30'),
  );
}

export async function issuerKid(machine: Machine): Promise<string> {
  const { code, stdout } = await machine.run(
    `python3 -c 'import json,urllib.request as u; print(json.load(u.urlopen("http://127.0.0.1:8080/healthz"))["kid"])'`,
  );
  return code === 0 ? stdout.trim() : '';
}
