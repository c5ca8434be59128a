// Runs the programs of docs/services-python-go.md as real processes (test/languages).
import { existsSync } from 'node:fs';
import { go, goLibrary, imports, python, runSuite, works } from './debian-suite.js';

const golangJwt = goLibrary('github.com/golang-jwt/jwt');

await runSuite({
  name: 'test:languages',
  needed: [
    [works(python, '--version'), python, 'python3'],
    [imports('jwt'), `jwt (PyJWT) in ${python}`, 'python3-jwt'],
    [imports('cryptography'), `cryptography in ${python}`, 'python3-cryptography'],
    [imports('gunicorn'), `gunicorn in ${python}`, 'gunicorn'],
    [works(go, 'version'), go, 'golang-go'],
    [existsSync(golangJwt), golangJwt, 'golang-github-golang-jwt-jwt-dev'],
  ],
  config: 'test/languages/vitest.config.ts',
});
