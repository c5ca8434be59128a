import { createHmac } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import type { Owner } from '../keyset/manifest/model.js';
import { endOwnProcess } from './end-process.js';
import type { Host } from './host.js';
import { isHidden, startTimeOf } from './processes.js';
import { showsWork, showWork } from './work-file.js';

function firstLine(path: string): string | null {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return null;
  }
}

/** machine-id(5) asks programs not to expose the id itself, so an application-specific hash of it identifies the host. */
export function hostId(): string {
  const machineId = firstLine('/etc/machine-id') || firstLine('/var/lib/dbus/machine-id') || `hostname ${hostname()}`;
  return createHmac('sha256', machineId).update('jwtrot').digest('hex').slice(0, 32);
}

function pidNamespace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return 'unknown';
  }
}

function isHere(owner: Owner, self: Owner): boolean {
  if (self.bootId === 'unknown' || owner.bootId !== self.bootId) return false;
  return owner.host === self.host && owner.pidNamespace === self.pidNamespace;
}

/** The owner ran before this boot, so it is gone. Compares the host name too, since cloned virtual machines share an id. */
function ranBefore(owner: Owner, self: Owner): boolean {
  if (self.bootId === 'unknown' || owner.bootId === 'unknown' || owner.bootId === self.bootId) return false;
  return owner.host === self.host && owner.hostname === self.hostname;
}

/**
 * Reads /proc. Without /proc it never finds a lease's owner gone: the lease then has to expire.
 * @param script this program's own file, as it was called: only processes that run it are ended
 * @param folder where runs on this host show what they work on
 */
export function createLinuxHost(script: string, folder: string): Host {
  const self: Owner = {
    host: hostId(),
    hostname: hostname(),
    bootId: firstLine('/proc/sys/kernel/random/boot_id') ?? 'unknown',
    pidNamespace: pidNamespace(),
    pid: process.pid,
    startTime: startTimeOf(process.pid) ?? 'unknown',
  };
  const state: Host['state'] = (owner) => {
    if (ranBefore(owner, self)) return 'gone';
    if (!isHere(owner, self)) return 'elsewhere';
    if (startTimeOf(owner.pid) === owner.startTime) return 'alive';
    // ProtectProc=invisible or hidepid= hides running processes of other users.
    return isHidden(owner.pid) ? 'elsewhere' : 'gone';
  };

  return {
    self,
    state,
    workOn: (work) => showWork(folder, work),
    async end(owner, work, clock) {
      const works = (pid: number) => showsWork(pid, folder, work);
      return state(owner) === 'alive' ? endOwnProcess(owner, { script, works }, clock) : null;
    },
  };
}
