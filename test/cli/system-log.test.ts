import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SystemLog } from '../../src/cli/output/system-log.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'jwtrot-log-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Stands for logger(1): keeps what it is called with and given. */
function logger(script: string): string {
  const path = join(folder, 'logger');
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return `${folder}:/usr/bin:/bin`;
}

describe("the system's log", () => {
  it('has each line with its priority, under the pid of the run, when the run has ended', async () => {
    const path = logger(`echo "$@" > ${folder}/arguments; cat > ${folder}/lines`);
    const log = SystemLog.open({ pid: 4711, path, socket: folder });
    log?.write('api: rotated', 'info');
    log?.write('two\nlines', 'warning');
    log?.write('it failed', 'error');
    await log?.end();
    expect(readFileSync(join(folder, 'lines'), 'utf8')).toBe('<6>api: rotated\n<4>two\\nlines\n<3>it failed\n');
    expect(readFileSync(join(folder, 'arguments'), 'utf8')).toContain('--tag jwtrot --id=4711 --prio-prefix');
  });

  it('is not opened where nobody listens', () => {
    expect(SystemLog.open({ pid: 1, socket: join(folder, 'nothing') })).toBeNull();
  });

  it('never stops a run: a logger that is missing, fails or hangs costs a moment', async () => {
    for (const path of [join(folder, 'empty'), logger('exit 1'), logger('exec sleep 3')]) {
      const began = performance.now();
      const log = SystemLog.open({ pid: 1, path, socket: folder });
      for (let i = 0; i < 2_000; i += 1) log?.write('a line of some length that fills the pipe'.repeat(3), 'info');
      await log?.end();
      expect(performance.now() - began).toBeLessThan(2_500);
    }
  });
});
