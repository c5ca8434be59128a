/*
 * A process of its own that holds the lock of an outlet. Arguments: the outlet's path, and what to do under the lock.
 * `hold`: print `locked` and stay. `child`: the same, leaving a detached child behind, whose pid is printed.
 * `rewrite`: write two contents in turn, for ever. `count N`: N times, under the lock, read a number and add one.
 */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { jwkSetText } from '../../src/keyset/published/jwk-set.js';
import { createOutletPort } from '../../src/outlets/port.js';
import { runCommand } from '../../src/outside/command.js';

const [path = '', verb = '', more = ''] = process.argv.slice(2);
const clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: (duration: number) => new Promise<void>((done) => setTimeout(done, duration)),
};
const port = createOutletPort({
  keyset: 'api',
  publish: [{ type: 'file', path, format: 'jwks', mode: 0o644, allowShared: false, url: null }],
  deliver: [],
  stateDirectory: '/nonexistent',
  env: {},
  records: { read: async () => null, update: async () => {} },
  clock,
  newId: randomUUID,
});
const signal = new AbortController().signal;

if (verb === 'count') {
  for (let i = 0; i < Number(more); i++) {
    await port.locked({ timeout: 60_000, alone: false }, async () => {
      const count = Number(readFileSync(`${path}.count`, 'utf8'));
      await clock.sleep(5);
      writeFileSync(`${path}.count`, String(count + 1));
    });
  }
} else {
  await port.locked({ timeout: 10_000, alone: false }, async (writer) => {
    if (verb === 'child') {
      // As commands of outlets are run, and as plain children are.
      const argv = ['/bin/sh', '-c', `sleep 60 >/dev/null 2>&1 & echo $! > ${path}.pid`] as const;
      await runCommand({ argv, env: [] }, { timeout: 5_000, signal, env: {} });
      const child = spawn('sleep', ['60'], { detached: true, stdio: 'ignore' });
      child.unref();
      writeFileSync(`${path}.pid`, `${readFileSync(`${path}.pid`, 'utf8').trim()} ${child.pid}`);
    }
    console.log('locked');
    if (verb !== 'rewrite') await clock.sleep(60_000);
    const contents = JSON.parse(readFileSync(more, 'utf8'));
    for (let revision = 1; ; revision++) {
      const content = { ...contents[revision % contents.length], revision };
      await writer.write(content, async () => new Uint8Array(), {
        otherHistory: false,
        again: false,
        limit: null,
        signal,
      });
      if (readFileSync(path, 'utf8') !== jwkSetText(content.jwks)) throw new Error('not written');
    }
  });
}
