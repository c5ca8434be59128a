import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

const SUITE = 'trixie';
const PACKAGES = [
  'libpam-systemd',
  'cron',
  'polkitd',
  'nodejs',
  'nginx-light',
  'python3-fastapi',
  'python3-uvicorn',
  'python3-jwt',
  'python3-cryptography',
];
/** Counted up when what follows makes another tree. */
const RECIPE = 3;

/** Where trees stay from run to run: outside of the repository. */
export const CACHE = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'jwtrot-test');

/** A Debian with what the test needs, made once. @returns its folder, which is never written to */
export function debianTree(): string {
  const key = createHash('sha256')
    .update(JSON.stringify([SUITE, PACKAGES, RECIPE]))
    .digest('hex')
    .slice(0, 12);
  const tree = join(CACHE, `${SUITE}-${key}`);
  if (existsSync(tree)) return tree;
  mkdirSync(CACHE, { recursive: true });
  for (const name of readdirSync(CACHE)) {
    if (name.startsWith(`${SUITE}-`)) rmSync(join(CACHE, name), { recursive: true, force: true });
  }
  const partial = `${tree}.partial`;
  make(partial);
  renameSync(partial, tree);
  return tree;
}

function make(root: string): void {
  const essential = '--include=systemd,systemd-sysv,dbus,ca-certificates';
  execFileSync('debootstrap', ['--variant=minbase', essential, SUITE, root, mirror()], { stdio: 'inherit' });
  // How this host reaches its mirror (a proxy, certificates) is this host's; nothing of it stays in the tree.
  const settings = join(root, 'etc/apt/apt.conf.d/00host');
  const acquire = execFileSync('apt-config', ['dump'], { encoding: 'utf8' }).split('\n');
  writeFileSync(settings, `${acquire.filter((line) => line.startsWith('Acquire::')).join('\n')}\n`);
  writeFileSync(join(root, 'etc/resolv.conf'), readFileSync('/etc/resolv.conf'));
  // Thousands of small files that nobody reads here.
  const unread = ['doc', 'man', 'locale', 'info'].map((name) => `path-exclude=/usr/share/${name}/*\n`).join('');
  writeFileSync(join(root, 'etc/dpkg/dpkg.cfg.d/unread'), unread);
  // invoke-rc.d(8): nothing is started while packages are installed.
  const policy = join(root, 'usr/sbin/policy-rc.d');
  writeFileSync(policy, '#!/bin/sh\nexit 101\n');
  chmodSync(policy, 0o755);
  const install = [
    'apt-get',
    '-o',
    'DPkg::Options::=--force-unsafe-io',
    'install',
    '-y',
    '-qq',
    '--no-install-recommends',
  ];
  execFileSync('chroot', [root, ...install, ...PACKAGES], {
    stdio: 'inherit',
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C' },
  });
  execFileSync('chroot', [root, 'apt-get', 'clean']);
  // Debian's npm brings 400 packages; the registry's is one.
  execFileSync('npm', ['install', '--silent', '--global', `--prefix=${join(root, 'usr/local')}`, 'npm@10'], {
    stdio: 'inherit',
  });
  for (const path of [settings, policy, join(root, 'etc/resolv.conf')]) rmSync(path);
}

/** The Debian mirror that this machine itself uses. */
function mirror(): string {
  const folder = '/etc/apt/sources.list.d';
  const files = [
    '/etc/apt/sources.list',
    ...(existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : []),
  ];
  for (const file of files.filter((path) => /\.(list|sources)$/.test(path) && existsSync(path))) {
    const found = /^(?:URIs:\s*|deb\s+(?:\[[^\]]*\]\s+)?)(https?:\/\/\S+\/debian\/?)(?=\s|$)/m.exec(
      readFileSync(file, 'utf8'),
    );
    if (found?.[1] !== undefined) return found[1];
  }
  throw new Error('no Debian mirror is named in /etc/apt/sources.list or /etc/apt/sources.list.d');
}
