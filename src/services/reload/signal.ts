import { quoteOutside } from '../../keyset/basics/outside-text.js';
import { errnoOf } from '../../outside/errno.js';
import { isHidden, processFacts, startTimeOf } from '../../outside/processes.js';
import { fillPath } from '../fill.js';
import type { Instance, Reload, ReloadResult } from '../service.js';
import type { ServiceSettings } from '../settings.js';
import { readPidFile } from './pid-file.js';
import { type Author, type Objection, objection } from './signal-target.js';

type BySignal = Extract<Reload, { type: 'signal' }>;

/** Sends a signal to one process, never to a group. */
export async function reloadBySignal(
  { signal, target }: BySignal,
  instance: Instance,
  { uid }: ServiceSettings,
): Promise<ReloadResult> {
  if ('pid' in target) return send(target.pid, signal, null, '');
  const path = fillPath(target.pidFile, instance);
  const found = await readPidFile(path, uid);
  if (!found.ok) return { ok: false, reason: found.reason, hint: 'is the service running, and is this its pid file?' };
  return send(found.pid, signal, found, ` (pid file ${quoteOutside(path)})`);
}

const GONE = 'start the service; a pid file may be left over';
const DENIED = 'run as root or as the user of the service';

function send(pid: number, signal: NodeJS.Signals, author: Author | null, where: string): ReloadResult {
  const against = objectionTo(pid, signal, author) ?? kill(pid, signal);
  return against === null ? { ok: true } : { ok: false, reason: `${against.reason}${where}`, hint: against.hint };
}

/**
 * Node has no pidfd, so this checks the start time again directly before the signal. In the microseconds between the two
 * the process may end, and if the kernel has used up all other pids since, another process may get its pid.
 */
function objectionTo(pid: number, signal: NodeJS.Signals, author: Author | null): Objection | null {
  if (!Number.isSafeInteger(pid) || pid < 2)
    return { reason: `${pid} is no process to signal`, hint: 'pids are 2 or more' };
  const facts = processFacts(pid);
  if (facts === null && isHidden(pid)) return { reason: `/proc hides process ${pid} from this user`, hint: DENIED };
  if (facts === null) return { reason: `no process ${pid}`, hint: GONE };
  const against = objection(facts, signal, author);
  if (against !== null) return against;
  return startTimeOf(pid) === facts.startTime ? null : { reason: `no process ${pid} any more`, hint: GONE };
}

function kill(pid: number, signal: NodeJS.Signals): Objection | null {
  try {
    process.kill(pid, signal);
    return null;
  } catch (error) {
    const code = errnoOf(error);
    if (code === 'ESRCH') return { reason: `no process ${pid}`, hint: GONE };
    if (code === 'EPERM') return { reason: `may not signal process ${pid}`, hint: DENIED };
    return { reason: `can't send ${signal} to process ${pid}: ${code}`, hint: 'check reload.signal of this service' };
  }
}
