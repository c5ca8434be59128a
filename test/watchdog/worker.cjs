// Stands in for the worker of `jwtrot retire`: does what its argument says, with the messages that the real one sends.
'use strict';
const { spawn } = require('node:child_process');
const { writeFileSync } = require('node:fs');

const ACTION = { type: 'write-outlets', kid: 'k1', reason: 'key-dropped' };
const progress = (event) => process.send({ type: 'progress', event: { keyset: 'api', ...event } });
const began = () => process.send({ type: 'began', keyset: 'api', kid: 'k1', store: 'directory /s' });
/** Deaf to everything, as a process that waits in the kernel. */
const hang = () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
const later = (what) => setTimeout(what, 100);

const ways = {
  /** A command that it started is a process group of its own. */
  'hangs with a child'() {
    const child = spawn('sleep', ['600'], { detached: true, stdio: 'ignore' });
    began();
    progress({ type: 'action', action: { ...ACTION, type: 'record-retirement' } });
    progress({ type: 'done', action: { ...ACTION, type: 'record-retirement' }, detail: null });
    progress({ type: 'action', action: ACTION });
    progress({ type: 'instance', service: 'gateway', instance: 'a', state: 'awaited', reason: 'no answer within 2s' });
    progress({ type: 'instance', service: 'gateway', instance: 'b', state: 'confirmed', reason: null });
    writeFileSync(process.env.PID_FILE, String(child.pid));
    later(hang);
  },
  'hangs at once': hang,
  'is done and does not exit'() {
    process.send({ type: 'result', text: '{"schema":1}' });
    process.send({ type: 'ended', exit: 75 });
    later(hang);
  },
  'is killed'() {
    began();
    later(() => process.kill(process.pid, 'SIGKILL'));
  },
  'is interrupted twice'() {
    began();
    later(() => process.exit(143));
  },
  'asks for six seconds'() {
    process.send({ type: 'asking' });
    setTimeout(() => process.send({ type: 'ended', exit: 2 }), 6_000);
  },
  'does not heed an interruption'() {
    process.on('SIGTERM', () => {});
    began();
    later(hang);
  },
  'says how it is run'() {
    const { UV_THREADPOOL_SIZE: threads, JWTROT_SUPERVISED: mark, PASSED_ON: passedOn } = process.env;
    process.send({ type: 'result', text: JSON.stringify({ threads, mark, passedOn, argv: process.argv.slice(2) }) });
    process.send({ type: 'ended', exit: 0 });
  },
};
ways[process.argv[2]]();
