import { createHmac } from 'node:crypto';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import type { Clock } from '../keyset/clock.js';
import { JwtrotError } from '../keyset/error.js';
import type { Owner } from '../keyset/model.js';
import type { Host } from './host.js';

function firstLine(path: string): string | null {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return null;
  }
}

/** machine-id(5) asks that the id itself is not shown: an application-specific hash of it names the host. */
function hostId(): string {
  const machineId = firstLine('/etc/machine-id') || firstLine('/var/lib/dbus/machine-id') || `hostname ${hostname()}`;
  return createHmac('sha256', machineId).update('jwtrot').digest('hex').slice(0, 32);
}

/** proc_pid_stat(5): the command name may hold spaces and brackets, so fields count from the last bracket. */
function statFields(pid: number): string[] | null {
  const stat = firstLine(`/proc/${pid}/stat`);
  return stat === null ? null : stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

const STATE = 0; // field 3
const PPID = 1; // field 4
const START_TIME = 19; // field 22

function startTime(pid: number): string | null {
  const fields = statFields(pid);
  return fields === null || fields[STATE] === 'Z' ? null : (fields[START_TIME] ?? null);
}

/** It exists, and /proc does not show it to this user. */
function isHidden(pid: number): boolean {
  if (statFields(pid) !== null) return false;
  try {
    process.kill(pid, 0);
    return false; // ended or begun between the two looks: it is not the one that is asked for
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function pidNamespace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return 'unknown';
  }
}

function descendants(pid: number): number[] {
  const children = new Map<number, number[]>();
  for (const entry of readdirSync('/proc')) {
    const parent = /^\d+$/.test(entry) ? statFields(Number(entry))?.[PPID] : undefined;
    if (parent === undefined) continue;
    const known = children.get(Number(parent)) ?? [];
    children.set(Number(parent), [...known, Number(entry)]);
  }
  const all: number[] = [];
  for (const queue = [pid]; queue.length > 0; ) {
    const next = children.get(queue.pop() as number) ?? [];
    all.push(...next);
    queue.push(...next);
  }
  return all;
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return;
    throw new JwtrotError(
      'leased',
      'owner-not-ended',
      `process ${pid} holds the lease and may not be ended by this user`,
      {
        hint: `end it as its own user or as root: kill ${pid}`,
        cause: error,
      },
    );
  }
}

async function endWithin(owner: Owner, grace: number, clock: Clock): Promise<boolean> {
  const end = clock.monotonic() + grace;
  while (startTime(owner.pid) === owner.startTime) {
    if (clock.monotonic() >= end) return false;
    await clock.sleep(20);
  }
  return true;
}

/** Reads /proc. Where there is none, a lease is never found dead: it runs out instead. */
export function createLinuxHost(): Host {
  const self: Owner = {
    host: hostId(),
    hostname: hostname(),
    bootId: firstLine('/proc/sys/kernel/random/boot_id') ?? 'unknown',
    pidNamespace: pidNamespace(),
    pid: process.pid,
    startTime: startTime(process.pid) ?? 'unknown',
  };
  const here = (owner: Owner) =>
    self.bootId !== 'unknown' &&
    owner.host === self.host &&
    owner.bootId === self.bootId &&
    owner.pidNamespace === self.pidNamespace;
  /** Before this boot: nothing of it runs any more. The name too, since images of virtual machines share their id. */
  const before = (owner: Owner) =>
    self.bootId !== 'unknown' &&
    owner.bootId !== 'unknown' &&
    owner.host === self.host &&
    owner.hostname === self.hostname &&
    owner.bootId !== self.bootId;
  const state: Host['state'] = (owner) => {
    if (before(owner)) return 'gone';
    if (!here(owner)) return 'elsewhere';
    if (startTime(owner.pid) === owner.startTime) return 'alive';
    // With ProtectProc=invisible, or hidepid=, processes of other users are there and can't be seen.
    return isHidden(owner.pid) ? 'elsewhere' : 'gone';
  };

  return {
    self,
    state,
    async end(owner, clock) {
      if (state(owner) !== 'alive' || owner.pid === process.pid || owner.pid < 2) return;
      const family = descendants(owner.pid).map((pid) => ({ pid, started: startTime(pid) }));
      signal(owner.pid, 'SIGTERM');
      if (!(await endWithin(owner, 2_000, clock))) signal(owner.pid, 'SIGKILL');
      // A child that outlived it may still reload a service with what it had read.
      for (const { pid, started } of family) if (started !== null && startTime(pid) === started) signal(pid, 'SIGKILL');
      await endWithin(owner, 2_000, clock);
    },
  };
}
