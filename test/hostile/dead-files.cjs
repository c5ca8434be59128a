// Loaded into the real command before it starts (NODE_OPTIONS=--require): what lies under one of the paths of
// $JWTROT_TEST_DEAD (separated by colons) hangs, as on a server that has died. Each call there really takes a thread of
// Node's pool, for good: it opens $JWTROT_TEST_FIFO, into which nobody ever writes.
'use strict';
const fs = require('node:fs');
const { syncBuiltinESMExports } = require('node:module');

const fifo = process.env.JWTROT_TEST_FIFO;
const dead = (process.env.JWTROT_TEST_DEAD ?? '').split(':').filter(Boolean);
const { openSync } = fs;
const open = fs.promises.open.bind(fs.promises);

function isDead(path) {
  return typeof path === 'string' && dead.some((one) => path === one || path.startsWith(`${one}/`));
}

for (const name of Object.keys(fs.promises)) {
  const original = fs.promises[name];
  if (typeof original !== 'function') continue;
  fs.promises[name] = function (...args) {
    return args.slice(0, 2).some(isDead)
      ? open(fifo, 'r').then(() => new Promise(() => {}))
      : original.apply(this, args);
  };
}
for (const name of Object.keys(fs)) {
  const original = fs[name];
  if (!name.endsWith('Sync') || typeof original !== 'function') continue;
  fs[name] = function (...args) {
    if (args.slice(0, 2).some(isDead)) openSync(fifo, 'r');
    return original.apply(this, args);
  };
}
syncBuiltinESMExports();
