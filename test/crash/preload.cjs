// Loaded into the real command before it starts (NODE_OPTIONS=--require): sees every call that it makes to the file system
// and every process that it starts, and has it killed or stopped at one of them. $JWTROT_TEST_CALL:
//   count:FILE     writes the calls to FILE, one a line, when the process ends
//   before:N       SIGKILL in place of call N; `before:N PATTERN`: of the Nth call whose line matches; so with all that follow
//   after:N        SIGKILL when call N has taken effect, before the caller learns of it
//   torn:N         SIGKILL when call N has written the first half of what it was to write (a mark is one pwrite of less
//                  than a page, which no kill divides: those are whole or not there)
//   stop-before:N  SIGSTOP, then call N as if nothing had been
//   stop-after:N   call N, then SIGSTOP
// $JWTROT_TEST_CLOCK: a file that holds by how many milliseconds both clocks are ahead; read whenever they are. For whom
// time flies so, a lock is waited for a second.
// `!`: what a call changes can be seen by others. The same program with the same answers makes the same calls.
'use strict';
const fs = require('node:fs');
const { basename } = require('node:path');
const childProcess = require('node:child_process');
const { syncBuiltinESMExports } = require('node:module');

// The one that `jwtrot retire` starts with only watches over another one, which does the work: that is it.
const isWatching = process.argv.includes('retire') && process.env.JWTROT_SUPERVISED === undefined;
const [mode, argument] = isWatching ? [''] : (process.env.JWTROT_TEST_CALL ?? '').split(/:(.*)/);
if (!isWatching) delete process.env.NODE_OPTIONS;
const [, nth, pattern = ''] = /^(\d+)(?: (.*))?$/.exec(argument ?? '') ?? [];
const counted = new RegExp(pattern);
let met = 0;
const calls = [];
/** The real one: what this file does for itself is no call of the command's. */
const signal = process.kill.bind(process);
const { readFileSync, writeFileSync } = fs;

const CHANGES = new Set(
  'link rename unlink mkdir rm write writeFile truncate chmod chown sync datasync spawn'.split(' '),
);
const O_CHANGES = fs.constants.O_WRONLY | fs.constants.O_RDWR | fs.constants.O_CREAT;

function changes(name, args) {
  if (name !== 'open') return CHANGES.has(name);
  const flags = args[1] ?? 'r';
  return typeof flags === 'string' ? flags !== 'r' : (flags & O_CHANGES) !== 0;
}

/** @returns what is to happen at this call, if anything */
function see(name, args, place) {
  // Node's own loader reads its modules by URL.
  if (args[0] instanceof URL) return undefined;
  const call = `${changes(name, args) ? '!' : ' '} ${name} ${place}`;
  calls.push(call);
  if (!counted.test(call)) return undefined;
  met += 1;
  return met === Number(nth) ? mode : undefined;
}

function end(how) {
  signal(process.pid, how.startsWith('stop') ? 'SIGSTOP' : 'SIGKILL');
}

function first(name) {
  return typeof name === 'string' ? basename(name) : '';
}

/** `this` and the arguments are handed on; a promise's outcome is awaited before `after`. */
function watched(name, original, placeOf) {
  return async function (...args) {
    const what = see(name, args, placeOf(this, args));
    if (what === 'before' || what === 'stop-before') end(what);
    if (what === 'torn') {
      const whole = Buffer.from(args[0]);
      await original.call(this, whole.subarray(0, whole.length >> 1));
      end(what);
    }
    try {
      const result = await original.apply(this, args);
      if (name === 'open') watchHandles(result, first(args[0]));
      return result;
    } finally {
      if (what === 'after' || what === 'stop-after') end(what);
    }
  };
}

const names = new WeakMap();
let handlesWatched = false;

/** FileHandle is not exported: its methods are reached by the first one that is opened. */
function watchHandles(handle, name) {
  names.set(handle, name);
  if (handlesWatched) return;
  handlesWatched = true;
  const methods = Object.getPrototypeOf(handle);
  for (const method of [
    'read',
    'readFile',
    'write',
    'writeFile',
    'truncate',
    'chmod',
    'chown',
    'sync',
    'datasync',
    'stat',
  ]) {
    methods[method] = watched(method, methods[method], (self) => names.get(self) ?? '');
  }
}

if (mode !== '') {
  const promises = fs.promises;
  for (const name of Object.keys(promises)) {
    if (typeof promises[name] !== 'function' || name === 'watch') continue;
    promises[name] = watched(name, promises[name], (_, args) =>
      first(args[name === 'link' || name === 'rename' ? 1 : 0]),
    );
  }
  const { spawn } = childProcess;
  childProcess.spawn = function (...args) {
    const what = see('spawn', args, first(args[0]));
    if (what === 'before' || what === 'stop-before') end(what);
    const child = spawn.apply(this, args);
    if (what === 'after' || what === 'stop-after') end(what);
    return child;
  };
  syncBuiltinESMExports();
}

const clock = process.env.JWTROT_TEST_CLOCK;
if (clock) {
  const ahead = () => Number(readFileSync(clock, 'utf8'));
  const [now, monotonic] = [Date.now, performance.now.bind(performance)];
  Date.now = () => now() + ahead();
  performance.now = () => monotonic() + ahead();
  const { spawn } = childProcess;
  childProcess.spawn = (program, args, ...rest) =>
    spawn(program, program === 'flock' ? args.with(args.indexOf('-w') + 1, '1') : args, ...rest);
  syncBuiltinESMExports();
}

if (mode === 'count') process.on('exit', () => writeFileSync(argument, calls.map((call) => `${call}\n`).join('')));
