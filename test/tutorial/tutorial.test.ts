import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { Page, shape } from '../support/page.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

const folder = mkdtempSync(join(tmpdir(), 'jwtrot-tutorial-'));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

interface Said {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** As a reader types it, in one shell. */
function shell(script: string): Promise<Said> {
  const env = { PATH: process.env['PATH'] ?? '', HOME: folder, XDG_STATE_HOME: join(folder, 'state') };
  const child = spawn('bash', ['-eumo', 'pipefail', '-c', `trap 'kill $(jobs -p) || true' EXIT\n${script}`], {
    cwd: folder,
    env,
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk) => (stdout += chunk));
  child.stderr.on('data', (chunk) => (stderr += chunk));
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, stdout, stderr })));
}

/** Its files and its commands, with free ports. The package is this one, not that of a registry. */
class Reader {
  readonly page = new Page('docs/tutorial.md');
  readonly #ports: readonly [number, number];

  constructor(ports: readonly [number, number]) {
    this.#ports = ports;
    mkdirSync(join(folder, 'rotation/node_modules/.bin'), { recursive: true });
    symlinkSync(ROOT, join(folder, 'rotation/node_modules/jwtrot'));
    symlinkSync(join(ROOT, 'bin/jwtrot.js'), join(folder, 'rotation/node_modules/.bin/jwtrot'));
    for (const [, name = '', code = ''] of this.page.text.matchAll(/^```js\n\/\/ (\S+\.mjs)\n(.*?)^```$/gms))
      writeFileSync(join(folder, 'rotation', name), this.#ported(code));
  }

  #ported(text: string): string {
    return text.replaceAll('4001', `${this.#ports[0]}`).replaceAll('4002', `${this.#ports[1]}`);
  }

  /** All that is typed, with a mark before each block. */
  script(): string {
    const blocks = [...this.page.text.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block = '']) => block);
    const typed = blocks.map((block) =>
      block
        .replace(/^mkdir .* && cd rotation.*$/m, 'cd rotation')
        .replace(/^npm install jwtrot .*\n/m, '')
        .replace('npm init -y', 'npm init -y >&2'),
    );
    return this.#ported(typed.map((block) => `echo '== block'\n${block}`).join(''));
  }
}

describe('docs/tutorial.md', () => {
  it('is what happens to a reader, to the end', { timeout: 90_000 }, async () => {
    const reader = new Reader([await freePort(), await freePort()]);
    const { code, stdout, stderr } = await shell(reader.script());
    expect(code, stderr).toBe(0);
    const [, , first = '', greeting = '', rotation = '', rollback = '', leak = ''] = stdout.split('== block\n');
    const hello = /hello ada, by key (\S{8})\n/g;
    const keys = (text: string) => [...text.matchAll(hello)].map(([, key]) => key);
    const { page } = reader;
    expect(shape(first.slice(first.indexOf('KEYSET')).replaceAll(folder, '/home/ada'))).toBe(page.printed('KEYSET'));
    const [v1] = keys(greeting);
    const [old, v2] = keys(rotation);
    const [back] = keys(rollback);
    const [v3] = keys(leak);
    expect(new Set([v1, v2, v3]).size).toBe(3);
    expect({ old, back }).toEqual({ old: v1, back: v1 });
    const named = (text: string) => text.replaceAll(/by key \S{8}/g, 'by key KEY').trim();
    expect(named(greeting)).toBe(named(page.blocks()[1] ?? ''));
    expect(named(rotation).split('\n').slice(-2).join('\n')).toBe(named(page.blocks()[2] ?? ''));
    expect(named(leak).split('\n').slice(-2).join('\n')).toBe(named(page.blocks()[3] ?? ''));
    expect(page.blocks()).toHaveLength(4);
  });
});
