import { JwtrotError } from '../../keyset/basics/error.js';
import type { Instance, Reload, ReloadOrder, ReloadResult } from '../service.js';
import type { ServiceSettings } from '../settings.js';
import { reloadByCommand } from './command.js';
import { reloadByHttp } from './http.js';
import { reloadBySignal } from './signal.js';
import { reloadBySystemd } from './systemd.js';

/** Tells an instance to read its keys again. Ends within the reload's timeout (for a command plus 2 s), or on abort. */
export async function reload(
  how: Reload,
  instance: Instance,
  settings: ServiceSettings,
  order: ReloadOrder,
): Promise<ReloadResult> {
  try {
    return await carryOut(how, instance, settings, order);
  } catch (error) {
    if (!(error instanceof JwtrotError)) throw error;
    return { ok: false, reason: error.message, hint: error.hint ?? null };
  }
}

async function carryOut(
  how: Reload,
  instance: Instance,
  settings: ServiceSettings,
  order: ReloadOrder,
): Promise<ReloadResult> {
  const { signal } = order;
  if (signal.aborted) return { ok: false, reason: 'interrupted', hint: null };
  switch (how.type) {
    case 'systemd':
      return reloadBySystemd(how, instance, settings, order);
    case 'command':
      return reloadByCommand(how, instance, settings, signal);
    case 'signal':
      return reloadBySignal(how, instance, settings);
    case 'http':
      return reloadByHttp(how, instance, settings, signal);
    case 'none':
      return { ok: true };
  }
}
