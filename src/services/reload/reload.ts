import { JwtrotError } from '../../keyset/error.js';
import type { Instance, Reload, ReloadResult } from '../service.js';
import type { ServiceSettings } from '../settings.js';
import { reloadByCommand } from './command.js';
import { reloadByHttp } from './http.js';
import { reloadBySignal } from './signal.js';
import { reloadBySystemd } from './systemd.js';

/** Tells an instance to read its keys again. Ends within the reload's timeout (a command: 2 s later), or on abort. */
export async function reload(
  how: Reload,
  instance: Instance,
  settings: ServiceSettings,
  signal: AbortSignal,
): Promise<ReloadResult> {
  try {
    return await carryOut(how, instance, settings, signal);
  } catch (error) {
    if (!(error instanceof JwtrotError)) throw error;
    return { ok: false, reason: error.message, hint: error.hint ?? null };
  }
}

async function carryOut(
  how: Reload,
  instance: Instance,
  settings: ServiceSettings,
  signal: AbortSignal,
): Promise<ReloadResult> {
  if (signal.aborted) return { ok: false, reason: 'interrupted', hint: null };
  switch (how.type) {
    case 'systemd':
      return reloadBySystemd(how, instance, settings, signal);
    case 'command':
      return reloadByCommand(how, instance, settings, signal);
    case 'signal':
      return reloadBySignal(how, instance, settings);
    case 'http':
      return reloadByHttp(how, instance, signal);
    case 'none':
      return { ok: true };
  }
}
