import { quoteOutside } from '../../keyset/outside-text.js';
import { errorCode } from '../../outside/file-problem.js';
import { fill } from '../fill.js';
import type { Instance, Reload, ReloadResult } from '../service.js';
import type { ServiceSettings } from '../settings.js';
import { readPidFile } from './pid-file.js';

type BySignal = Extract<Reload, { type: 'signal' }>;

/** Sends a signal to one process, never to a group. */
export async function reloadBySignal(
  { signal, target }: BySignal,
  instance: Instance,
  { uid }: ServiceSettings,
): Promise<ReloadResult> {
  if ('pid' in target) return send(target.pid, signal, '');
  const path = fill(target.pidFile, instance);
  const found = await readPidFile(path, uid);
  if (!found.ok) return { ok: false, reason: found.reason, hint: 'is the service running, and is this its pid file?' };
  return send(found.pid, signal, ` (pid file ${quoteOutside(path)})`);
}

function send(pid: number, signal: NodeJS.Signals, where: string): ReloadResult {
  const failed = (reason: string, hint: string): ReloadResult => ({ ok: false, reason: `${reason}${where}`, hint });
  if (!Number.isSafeInteger(pid) || pid < 2) return failed(`${pid} is no process to signal`, 'pids are 2 or more');
  if (pid === process.pid)
    return failed(`process ${pid} is jwtrot itself`, 'the pid file is left over; start the service');
  try {
    process.kill(pid, signal);
    return { ok: true };
  } catch (error) {
    const code = errorCode(error);
    if (code === 'ESRCH') return failed(`no process ${pid}`, 'start the service; a pid file may be left over');
    if (code === 'EPERM') return failed(`may not signal process ${pid}`, 'run as root or as the user of the service');
    return failed(`can't send ${signal} to process ${pid}: ${code}`, 'check reload.signal of this service');
  }
}
