import { execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { createServicePort } from '../../src/services/port.js';
import type { Instance, Reload } from '../../src/services/service.js';
import type { ServiceSettings } from '../../src/services/settings.js';
import { aService, NO_TLS, never, ONE } from './services.js';

const folder = mkdtempSync(join(tmpdir(), 'jwtrot-reload-'));
chmodSync(folder, 0o755); // other users' processes write in it
const bin = join(folder, 'bin');
mkdirSync(bin);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const A: Instance = { name: 'a', address: '10.0.0.1:80' };
const reload = (how: Reload, instance = ONE, settings: Partial<ServiceSettings> = {}, signal = never()) =>
  createServicePort(aService({ reload: how }), { env: {}, uid: process.getuid?.() ?? -1, ...settings }).reload(
    instance,
    signal,
  );

function file(name: string, content: string, mode = 0o644): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  chmodSync(path, mode);
  return path;
}

describe('a reload by a command', () => {
  const by = (argv: [string, ...string[]], timeout = 10_000): Reload => ({
    type: 'command',
    command: { argv, env: ['WANTED'] },
    timeout,
  });

  it('fills name and address into its arguments, and no more than once', async () => {
    const out = join(folder, 'filled');
    const script = 'printf "%s|" "$@" "$WANTED" > "$0"';
    const odd = { name: '{address}', address: '10.0.0.1:80' };
    expect(
      await reload(by(['sh', '-c', script, out, '{name}', '--at={address}', '$(id)']), odd, { env: { WANTED: 'w' } }),
    ).toEqual({ ok: true });
    expect(readFileSync(out, 'utf8')).toBe('{address}|--at=10.0.0.1:80|$(id)|w|');
  });

  it('says why it failed and what to do', async () => {
    expect(await reload(by(['sh', '-c', 'echo no such container >&2; exit 1']))).toEqual({
      ok: false,
      reason: 'exit 1: "no such container"',
      hint: 'run it by hand as the same user; only the variables that `env` names are passed on',
    });
    expect(await reload(by(['/nowhere/docker']))).toMatchObject({
      ok: false,
      reason: 'no such program "/nowhere/docker"',
    });
    expect(await reload(by(['sleep', '60'], 200))).toMatchObject({ ok: false, reason: 'not done within 200ms' });
    expect(await reload(by(['ping', '{address}']))).toMatchObject({
      ok: false,
      reason: 'instance "api" has no address to fill in',
    });
  });

  it('is not begun when the run is over', async () => {
    const touched = join(folder, 'touched');
    expect(await reload(by(['touch', touched]), ONE, {}, AbortSignal.abort())).toMatchObject({ ok: false });
    expect(() => readFileSync(touched)).toThrow();
  });
});

describe('a reload by systemd', () => {
  const by = (action: 'reload' | 'restart' = 'reload'): Reload => ({
    type: 'systemd',
    unit: 'issuer@{name}.service',
    action,
    timeout: 10_000,
  });
  /** A `systemctl` that fails as the real one does. */
  function systemctl(stderr: string, exit: number): void {
    writeFileSync(join(bin, 'stderr'), stderr);
    writeFileSync(
      join(bin, 'systemctl'),
      `#!/bin/sh\necho "$@" > ${bin}/called\ncat ${bin}/stderr >&2\nexit ${exit}\n`,
    );
    chmodSync(join(bin, 'systemctl'), 0o755);
  }
  const path = `${bin}:/usr/bin:/bin`;

  it('asks for the action, and never for a password', async () => {
    systemctl('', 0);
    expect(await reload(by('restart'), A, { path })).toEqual({ ok: true });
    expect(readFileSync(join(bin, 'called'), 'utf8')).toBe('--no-ask-password restart issuer@a.service\n');
  });

  it('starts a unit that is not running, where that is asked for, and no other', async () => {
    const { reload: port } = createServicePort(aService({ reload: by() }), { env: {}, uid: 0, path });
    const called = () => readFileSync(join(bin, 'called'), 'utf8').split(' ')[1];
    // Of the second call what is the last of it: `start`.
    writeFileSync(
      join(bin, 'systemctl'),
      `#!/bin/sh\necho "$@" > ${bin}/called\n[ "$2" = start ] && exit 0\necho 'issuer@a.service is not active, cannot reload.' >&2\nexit 1\n`,
    );
    expect(await port(A, never())).toMatchObject({ ok: false, reason: expect.stringContaining('is not running') });
    expect(called()).toBe('reload');
    expect(await port(A, never(), { startIfStopped: true })).toEqual({ ok: true });
    expect(called()).toBe('start');
    // A start of a unit that runs succeeds and does nothing: a reload that failed stays one.
    for (const said of ['Unit issuer@a.service not found.', 'Job for issuer@a.service failed because of it.']) {
      systemctl(said, 1);
      expect(await port(A, never(), { startIfStopped: true })).toMatchObject({ ok: false });
      expect(called()).toBe('reload');
    }
  });

  // The messages are those of systemd 252 and 257.
  it.each([
    [
      'Failed to reload issuer@a.service: Unit issuer@a.service not found.',
      5,
      /^there is no unit issuer@a\.service/,
      /systemctl status/,
    ],
    ['Failed to reload issuer@a.service: Unit issuer@a.service not loaded.', 5, /^there is no unit/, /check the name/],
    [
      'Failed to reload issuer@a.service: Job type reload is not applicable for unit issuer@a.service.',
      1,
      /^unit issuer@a\.service has no ExecReload=/,
      /action: restart/,
    ],
    ['issuer@a.service is not active, cannot reload.', 1, /is not running/, /reload-or-restart/],
    ['Failed to restart issuer@a.service: Unit issuer@a.service is masked.', 1, /is masked/, /unmask/],
    [
      'Job for issuer@a.service failed because the control process exited with error code.\nSee "systemctl status issuer@a.service" and "journalctl -xeu issuer@a.service" for details.',
      1,
      /^the job of unit issuer@a\.service failed/,
      /journalctl -eu issuer@a\.service/,
    ],
    [
      'A dependency job for issuer@a.service failed. See "journalctl -xe" for details.',
      1,
      /^the job of unit/,
      /journalctl/,
    ],
    ['Failed to reload issuer@a.service: Access denied', 4, /denies this user/, /polkit/],
    ['Failed to reload issuer@a.service: Interactive authentication required.', 1, /denies this user/, /polkit/],
    [
      'Failed to reload issuer@a.service: Access denied as the requested operation requires interactive authentication. However, interactive authentication has not been enabled by the calling program.',
      1,
      /denies this user/,
      /polkit/,
    ],
    [
      "System has not been booted with systemd as init system (PID 1). Can't operate.\nFailed to connect to bus: Host is down",
      1,
      /does not run systemd/,
      /command, a signal or http/,
    ],
    ['Failed to connect to bus: No such file or directory', 1, /does not run systemd/, /container/],
    [
      'Failed to connect to system scope bus via local transport: Connection refused',
      1,
      /does not run systemd/,
      /container/,
    ],
    ['something new', 9, /^systemctl: exit 9: "something new"$/, /journalctl/],
  ])('tells faults apart: %s', async (stderr, exit, reason, hint) => {
    systemctl(`${stderr}\n`, exit);
    const result = await reload(by(), A, { path });
    expect(result).toEqual({
      ok: false,
      reason: expect.stringMatching(reason),
      hint: expect.stringMatching(hint),
    });
  });

  it('says that there is no systemctl', async () => {
    expect(await reload(by(), A, { path: join(folder, 'empty') })).toEqual({
      ok: false,
      reason: 'no systemctl on this system',
      hint: 'reload it by a command, a signal or http instead',
    });
  });
});

describe('a reload by a signal', () => {
  const by = (target: { pid: number } | { pidFile: string }, signal: NodeJS.Signals = 'SIGHUP'): Reload => ({
    type: 'signal',
    signal,
    target,
    timeout: 10_000,
  });

  /** A process that writes the time of each SIGHUP into a file. */
  async function victim(name: string, options: { uid?: number } = {}) {
    const out = file(name, '', 0o666);
    const script = `trap 'echo hup >> ${out}' HUP; echo ready > ${out}; while :; do sleep 0.02; done`;
    const child = spawn('sh', ['-c', script], { stdio: 'ignore', ...options });
    const read = async (content: string) => {
      for (let i = 0; i < 200; i++) {
        try {
          if (readFileSync(out, 'utf8') === content) return true;
        } catch {}
        await sleep(10);
      }
      return false;
    };
    expect(await read('ready\n')).toBe(true);
    return {
      pid: child.pid as number,
      wasSignalled: () => read('ready\nhup\n'),
      wasLeftAlone: () =>
        readFileSync(out, 'utf8') === 'ready\n' && child.exitCode === null && child.signalCode === null,
      end: () => child.kill('SIGKILL'),
    };
  }

  it('reaches the process in the pid file of the instance', async () => {
    const { pid, wasSignalled, end } = await victim('victim-a');
    file('a.pid', `${pid}\n`);
    expect(await reload(by({ pidFile: join(folder, '{name}.pid') }), A)).toEqual({ ok: true });
    expect(await wasSignalled()).toBe(true);
    end();
  });

  it('reaches a process by its id', async () => {
    const { pid, wasSignalled, end } = await victim('victim-b');
    expect(await reload(by({ pid }))).toEqual({ ok: true });
    expect(await wasSignalled()).toBe(true);
    end();
  });

  it.each([
    ['-1', /not one process id$/],
    ['0', /0 is no process to signal$/],
    ['1', /1 is no process to signal$/],
    ['0001\n', /0001 is no process to signal$/],
    ['', /it holds "", not one process id$/],
    ['12 34', /not one process id$/],
    ['0x10', /not one process id$/],
    ['1e3', /not one process id$/],
    ['99999999999', /not one process id$/],
    [`1234${' '.repeat(100)}`, /more than a process id$/],
    ['\u001b[2J', /it holds "\\u001b\[2J", not one process id$/],
  ])('signals nobody when the pid file holds %j', async (content, reason) => {
    const result = await reload(by({ pidFile: file('bad.pid', content) }));
    expect(result).toMatchObject({ ok: false, reason: expect.stringMatching(reason) });
  });

  it('follows no link, opens no FIFO, takes no directory', async () => {
    const link = join(folder, 'link.pid');
    symlinkSync(file('target.pid', String(process.ppid)), link);
    expect(await reload(by({ pidFile: link }))).toMatchObject({
      ok: false,
      reason: `pid file "${link}": it is a symbolic link: configure the file that it leads to, "${join(folder, 'target.pid')}"`,
    });
    const fifo = join(folder, 'fifo.pid');
    execFileSync('mkfifo', [fifo]);
    expect(await reload(by({ pidFile: fifo }))).toMatchObject({
      reason: `pid file "${fifo}": it is a FIFO, not a regular file`,
    });
    expect(await reload(by({ pidFile: bin }))).toMatchObject({
      reason: `pid file "${bin}": it is a directory, not a regular file`,
    });
    expect(await reload(by({ pidFile: '/nowhere/x.pid' }))).toMatchObject({
      ok: false,
      reason: 'pid file "/nowhere/x.pid": no such file',
    });
  });

  it('trusts, as root, only a pid file of root that nobody else may write', async () => {
    const mine = process.getuid?.() === 0;
    const foreign = file('foreign.pid', '4000000');
    if (mine) chownSync(foreign, 65_534, 65_534);
    expect(await reload(by({ pidFile: foreign }), ONE, { uid: 0 })).toMatchObject({
      ok: false,
      reason: expect.stringMatching(/it belongs to user \d+, not to root$/),
    });
    expect(await reload(by({ pidFile: foreign }), ONE, { uid: 1000 })).toMatchObject({
      reason: `no process 4000000 (pid file "${foreign}")`,
    });
    const open = file('open.pid', '4000000', 0o666);
    expect(await reload(by({ pidFile: open }), ONE, { uid: 0 })).toMatchObject({
      reason: expect.stringMatching(mine ? /everybody may write it$/ : /not to root$/),
    });
    expect(await reload(by({ pidFile: open }), ONE, { uid: 1000 })).toMatchObject({
      reason: expect.stringMatching(/everybody may write it$/),
    });
    const shared = file('shared.pid', '4000000', 0o664);
    if (mine) chownSync(shared, 0, 65_534);
    expect(await reload(by({ pidFile: shared }), ONE, { uid: 0 })).toMatchObject({
      reason: expect.stringMatching(mine ? /group 65534 may write it$/ : /not to root$/),
    });
  });

  // Whom a file belongs to can be chosen by root alone; for others the file is their own and the process root's.
  const root = process.getuid?.() === 0;

  it("signals nobody but a process of the pid file's owner", async () => {
    const { pid, wasLeftAlone, end } = root ? await victim('victim-c') : { pid: 1, wasLeftAlone: () => true, end() {} };
    const foreign = file('stranger.pid', String(pid));
    if (root) chownSync(foreign, 65_534, 65_534);
    expect(await reload(by({ pidFile: foreign }), ONE, { uid: 1000 })).toMatchObject({
      ok: false,
      reason: expect.stringMatching(new RegExp(`process ${pid} belongs to user 0, its pid file to user \\d+ `)),
    });
    expect(wasLeftAlone()).toBe(true);
    end();
  });

  it("takes root's word for another user's process, but not for one that began after it was given", async () => {
    if (!root) return expect(process.getuid?.()).toBeGreaterThan(0);
    const { pid, wasSignalled, wasLeftAlone, end } = await victim('victim-d', { uid: 65_534 });
    const path = file('dropped.pid', String(pid));
    const longAgo = new Date(Date.now() - 60_000);
    utimesSync(path, longAgo, longAgo);
    expect(await reload(by({ pidFile: path }))).toMatchObject({
      reason: expect.stringMatching(`process ${pid} of user 65534 began after root had written its pid file`),
    });
    expect(wasLeftAlone()).toBe(true);
    utimesSync(path, new Date(), new Date());
    expect(await reload(by({ pidFile: path }))).toEqual({ ok: true });
    expect(await wasSignalled()).toBe(true);
    end();
  });

  it('signals no thread: that would be its whole process', async () => {
    const signalled = (pid: number) => reload(by({ pidFile: file('thread.pid', `${pid}`) }));
    const threadOf = (pid: number) =>
      readdirSync(`/proc/${pid}/task`)
        .map(Number)
        .find((id) => id !== pid) as number;
    expect(await signalled(threadOf(process.ppid))).toMatchObject({
      ok: false,
      reason: expect.stringMatching(`is a thread of process ${process.ppid}`),
    });
    expect(await signalled(threadOf(process.pid))).toMatchObject({
      ok: false,
      reason: expect.stringMatching('is jwtrot itself'),
    });
  });

  it('never sends SIGUSR1 to Node, which would open its debugger', async () => {
    const link = join(folder, 'nodejs');
    symlinkSync(process.execPath, link);
    for (const program of [process.execPath, link]) {
      const child = spawn(program, ['-e', 'process.title = "issuer"; console.log(1); setInterval(() => {}, 1000)']);
      let stderr = '';
      child.stderr.on('data', (chunk) => (stderr += chunk));
      await new Promise((resolve) => child.stdout.once('data', resolve));
      const path = file('node.pid', String(child.pid));
      for (const target of [{ pidFile: path }, { pid: child.pid as number }]) {
        expect(await reload(by(target, 'SIGUSR1'))).toMatchObject({
          ok: false,
          reason: expect.stringMatching(`process ${child.pid} runs Node, which opens a debugger's port on SIGUSR1`),
          hint: 'have the service reload on SIGHUP or SIGUSR2, and set signal: HUP or USR2 here',
        });
      }
      const ended = new Promise((resolve) => child.once('exit', (_, signal) => resolve(signal)));
      expect(await reload(by({ pidFile: path }, 'SIGUSR2'))).toEqual({ ok: true });
      expect([await ended, stderr]).toEqual(['SIGUSR2', '']);
    }
    const { pid, wasLeftAlone, end } = await victim('victim-e');
    expect(wasLeftAlone()).toBe(true);
    expect(await reload(by({ pid }, 'SIGUSR1'))).toEqual({ ok: true });
    end();
  });

  it('says that there is no such process, and never signals itself', async () => {
    expect(await reload(by({ pid: 4_000_000 }))).toMatchObject({ ok: false, reason: 'no process 4000000' });
    expect(await reload(by({ pid: process.pid }))).toMatchObject({
      ok: false,
      reason: `process ${process.pid} is jwtrot itself`,
    });
    for (const pid of [1, 0, -1, 2.5]) {
      expect(await reload(by({ pid }))).toMatchObject({ ok: false, reason: `${pid} is no process to signal` });
    }
  });
});

describe('a reload by HTTP', () => {
  it('is one request, and only a 2xx is a reload', async () => {
    const seen: string[] = [];
    const server = createServer((request, response) => {
      seen.push(`${request.method} ${request.url} ${request.headers['x-token']}`);
      response.writeHead(request.url === '/reload/a' ? 204 : 500).end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    const how = (path: string): Reload => ({
      type: 'http',
      url: `http://{address}/${path}/{name}`,
      method: 'POST',
      headers: { 'X-Token': { file: file('token', 'secret\n', 0o600) } },
      tls: NO_TLS,
      timeout: 2_000,
    });
    expect(await reload(how('reload'), { name: 'a', address })).toEqual({ ok: true });
    expect(await reload(how('other'), { name: 'a', address })).toMatchObject({ ok: false, reason: 'HTTP 500' });
    expect(seen).toEqual(['POST /reload/a secret', 'POST /other/a secret']);
    server.close();
  });
});

describe('no reload', () => {
  it('is done at once', async () => {
    expect(await reload({ type: 'none' })).toEqual({ ok: true });
  });
});
