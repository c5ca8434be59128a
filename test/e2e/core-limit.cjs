// Loaded into the real command before it starts (NODE_OPTIONS=--require): allows core dumps, then writes to
// $JWTROT_TEST_LIMITS, one a line, how large they may be whenever a secret is about to be read or made.
'use strict';
const fs = require('node:fs');
const crypto = require('node:crypto');
const { execFileSync } = require('node:child_process');
const { syncBuiltinESMExports } = require('node:module');

const list = process.env.JWTROT_TEST_LIMITS;
const { appendFileSync, readFileSync } = fs;
const { open } = fs.promises;
execFileSync('prlimit', [`--pid=${process.pid}`, '--core=4096:4096'], { env: { PATH: process.env.PATH } });

function see(what) {
  const [, soft, hard] = /^Max core file size\s+(\S+)\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
  appendFileSync(list, `${what} ${soft} ${hard}\n`);
}

fs.promises.open = (path, ...more) => {
  const secret = /(?:^|\/)(kek|api\.jwk|leaked\.pem|all\.age)$/.exec(String(path))?.[1];
  if (secret !== undefined) see(secret);
  return open(path, ...more);
};
for (const name of ['generateKeyPair', 'createPrivateKey']) {
  const original = crypto[name];
  crypto[name] = (...args) => {
    see(name);
    return original(...args);
  };
}
syncBuiltinESMExports();
