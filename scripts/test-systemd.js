// Boots a Debian with systemd as pid 1 and runs test/systemd on it, from `npm install -g` to a power cut. It needs root,
// systemd-nspawn and debootstrap. `JWTROT_WAIT=60` makes the long wait as long as in .ci/run.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const needed = { 'systemd-nspawn': 'systemd-container', debootstrap: 'debootstrap', nsenter: 'util-linux' };

function missing() {
  if (process.getuid() !== 0) return 'it must be root: containers are started';
  const path = ['/usr/sbin', '/usr/bin', '/sbin', '/bin'];
  const lacking = Object.entries(needed).filter(([name]) => !path.some((folder) => existsSync(`${folder}/${name}`)));
  return lacking.length === 0 ? null : `apt-get install ${lacking.map(([, name]) => name).join(' ')}`;
}

const problem = missing();
if (problem !== null) {
  console.error(`test:systemd: ${problem}`);
  process.exit(1);
}
execFileSync(process.execPath, [join(root, 'scripts/build.js')], { stdio: 'inherit' });
const vitest = join(root, 'node_modules/vitest/vitest.mjs');
const args = [vitest, 'run', '--config', 'test/systemd/vitest.config.ts', ...process.argv.slice(2)];
const child = spawn(process.execPath, args, { cwd: root, stdio: 'inherit' });
const [code] = await once(child, 'exit');
process.exit(code ?? 1);
