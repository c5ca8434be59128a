// A signer that can't start without its key: as many frameworks do, it reads it first and ends when it is not there.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

const [, , path, port] = process.argv;
const load = () => JSON.parse(readFileSync(path, 'utf8'));
let jwk = load();
process.on('SIGHUP', () => {
  jwk = load();
});
createServer((_, response) => response.end(JSON.stringify({ kid: jwk.kid }))).listen(Number(port), '127.0.0.1');
