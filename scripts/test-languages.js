// Runs the programs of docs/services-python-go.md as real processes (test/languages). They need Debian's packages; Python is
// $JWTROT_TEST_PYTHON or else Debian's own, since another one does not see them. Go is $JWTROT_TEST_GO or `go`.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const python = process.env.JWTROT_TEST_PYTHON ?? '/usr/bin/python3';
const go = process.env.JWTROT_TEST_GO ?? 'go';
const goLibrary = '/usr/share/gocode/src/github.com/golang-jwt/jwt';

const works = (program, ...args) => spawnSync(program, args, { stdio: 'ignore' }).status === 0;
const imports = (module) => works(python, '-c', `import ${module}`);

/** What is not there, and the package that has it. */
function lacking() {
  const needed = [
    [works(python, '--version'), python, 'python3'],
    [imports('jwt'), `jwt (PyJWT) in ${python}`, 'python3-jwt'],
    [imports('cryptography'), `cryptography in ${python}`, 'python3-cryptography'],
    [imports('gunicorn'), `gunicorn in ${python}`, 'gunicorn'],
    [works(go, 'version'), go, 'golang-go'],
    [existsSync(goLibrary), goLibrary, 'golang-github-golang-jwt-jwt-dev'],
  ];
  return needed.filter(([isThere]) => !isThere);
}

const missing = lacking();
if (missing.length > 0) {
  console.error(`test:languages: not there: ${missing.map(([, what]) => what).join(', ')}; no test was run`);
  console.error(`hint: apt-get install ${missing.map(([, , name]) => name).join(' ')}`);
  console.error('hint: JWTROT_TEST_PYTHON and JWTROT_TEST_GO name other programs');
  process.exit(1);
}
const vitest = join(root, 'node_modules/vitest/vitest.mjs');
const args = [vitest, 'run', '--config', 'test/languages/vitest.config.ts', ...process.argv.slice(2)];
const child = spawn(process.execPath, args, { cwd: root, stdio: 'inherit' });
const [code] = await once(child, 'exit');
process.exit(code ?? 1);
