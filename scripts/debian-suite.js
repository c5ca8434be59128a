// Runs a suite that needs Debian's packages: all of what is missing is said at once, and then no test is run.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = join(dirname(fileURLToPath(import.meta.url)), '..');
// Python is Debian's own unless told otherwise: another one does not see Debian's packages.
export const python = process.env.JWTROT_TEST_PYTHON ?? '/usr/bin/python3';
export const go = process.env.JWTROT_TEST_GO ?? 'go';
export const goLibrary = (path) => `/usr/share/gocode/src/${path}`;

export const works = (program, ...args) => spawnSync(program, args, { stdio: 'ignore' }).status === 0;
export const imports = (module) => works(python, '-c', `import ${module}`);

/**
 * Ends this process with the suite's exit code.
 * @param needed rows of: is it there, what it is, the Debian package that has it
 * @param config the suite's configuration of vitest; further arguments of this process go to vitest
 */
export async function runSuite({ name, needed, config, prepare = () => {} }) {
  const missing = needed.filter(([isThere]) => !isThere);
  if (missing.length > 0) {
    const packages = [...new Set(missing.map(([, , debian]) => debian))];
    console.error(`${name}: not there: ${missing.map(([, what]) => what).join(', ')}; no test was run`);
    console.error(`hint: apt-get install ${packages.join(' ')}`);
    console.error('hint: JWTROT_TEST_PYTHON and JWTROT_TEST_GO name other programs');
    process.exit(1);
  }
  prepare();
  const vitest = join(root, 'node_modules/vitest/vitest.mjs');
  const args = [vitest, 'run', '--config', config, ...process.argv.slice(2)];
  const child = spawn(process.execPath, args, { cwd: root, stdio: 'inherit' });
  const [code] = await once(child, 'exit');
  process.exit(code ?? 1);
}
