import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openSite, type Site } from './fixtures.js';
import { type Running, until } from './world.js';

let site: Site;
beforeEach(async () => {
  site = await openSite({ gateway: { ignoreReload: true } });
});
afterEach(() => site.world.close());

/** Local addresses on which a process listens, as proc_net(5) has them. */
function listening({ child }: Running): string[] {
  const sockets = new Set(readdirSync(`/proc/${child.pid}/fd`).map((fd) => linkOf(`/proc/${child.pid}/fd/${fd}`)));
  const lines = ['tcp', 'tcp6'].flatMap((name) => readFileSync(`/proc/${child.pid}/net/${name}`, 'utf8').split('\n'));
  return lines.flatMap((line) => {
    const [, local, , state, , , , , , inode] = line.trim().split(/\s+/);
    return state === '0A' && sockets.has(`socket:[${inode}]`) ? [local ?? ''] : [];
  });
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return ''; // closed since
  }
}

describe("Node's debugger", () => {
  it('is not opened by SIGUSR1 while a run waits, and the run goes on', async () => {
    const running = site.world.start(['rotate']);
    let stderr = '';
    running.child.stderr?.on('data', (chunk) => (stderr += chunk));
    await until(() => stderr.includes('gateway reloading'), 'it waits for the gateway');
    for (let i = 0; i < 20; i++) {
      running.child.kill('SIGUSR1');
      await new Promise((resolve) => setTimeout(resolve, 25));
      expect(listening(running)).toEqual([]);
    }
    const ran = await running.ended;
    // As without the signals: the gateway never confirms.
    expect(ran).toMatchObject({ code: 4, signal: null });
    expect(ran.stderr).not.toMatch(/debugger/i);
  });

  it.each([['rotate'], ['sync'], ['retire', '--key', '-', '--yes'], ['import', '--pem', '-']])(
    'keeps jwtrot from working where it is open: %s',
    async (...args) => {
      const { code, stderr, stdout } = await site.world.run(args, {
        env: { NODE_OPTIONS: '--inspect=127.0.0.1:0' },
        stdin: 'no key',
      });
      expect({ code, stdout }).toEqual({ code: 5, stdout: '' });
      expect(stderr).toContain(
        "jwtrot: a debugger's port of this very process is open: whoever connects to it reads private keys; nothing was done\n" +
          'hint: run it without --inspect, in NODE_OPTIONS too\n',
      );
      expect((await site.world.run(['status'])).stdout).not.toContain('v1');
    },
  );
});
