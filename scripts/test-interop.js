// Takes real parties, none of them with code of ours, through rotations and a leak (test/interop).
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { go, goLibrary, imports, python, root, runSuite, works } from './debian-suite.js';

const golangJwt = goLibrary('github.com/golang-jwt/jwt');
const openidc = '/usr/lib/apache2/modules/mod_auth_openidc.so';
const npm = join(root, 'test/interop/npm');

/** npm's own copy of the lock file tells whether what is there is what the lock file says. */
function installFromNpm() {
  const lock = join(npm, 'package-lock.json');
  if (!existsSync(lock)) return;
  const versions = (path) =>
    existsSync(path)
      ? Object.entries(JSON.parse(readFileSync(path, 'utf8')).packages).flatMap(([name, { version, optional }]) =>
          name === '' || optional ? [] : [`${name} ${version}`],
        )
      : null;
  const there = new Set(versions(join(npm, 'node_modules/.package-lock.json')));
  if (versions(lock).every((one) => there.has(one))) return;
  const { status } = spawnSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: npm, stdio: 'inherit' });
  if (status === 0) return;
  console.error(`test:interop: npm ci in ${npm} ended with ${status}; no test was run`);
  process.exit(1);
}

await runSuite({
  name: 'test:interop',
  needed: [
    [works(python, '--version'), python, 'python3'],
    [imports('jwt'), `jwt (PyJWT) in ${python}`, 'python3-jwt'],
    [imports('cryptography'), `cryptography in ${python}`, 'python3-cryptography'],
    [imports('fastapi'), `fastapi in ${python}`, 'python3-fastapi'],
    [imports('uvicorn'), `uvicorn in ${python}`, 'python3-uvicorn'],
    [imports('jwcrypto'), `jwcrypto in ${python}`, 'python3-jwcrypto'],
    [works('/usr/sbin/nginx', '-v'), '/usr/sbin/nginx', 'nginx-light'],
    [works('/usr/sbin/haproxy', '-v'), '/usr/sbin/haproxy', 'haproxy'],
    [existsSync(openidc), openidc, 'libapache2-mod-auth-openidc'],
    [works('openssl', 'version'), 'openssl', 'openssl'],
    [works('podman', '--version'), 'podman', 'podman'],
    [works('age', '--version'), 'age', 'age'],
    [works('curl', '--version'), 'curl', 'curl'],
    [works('jq', '--version'), 'jq', 'jq'],
    [works('runc', '--version'), 'runc', 'runc'],
    [works(go, 'version'), go, 'golang-go'],
    [existsSync(golangJwt), golangJwt, 'golang-github-golang-jwt-jwt-dev'],
  ],
  prepare: installFromNpm,
  config: 'test/interop/vitest.config.ts',
});
