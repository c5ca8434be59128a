import { requestOnce } from '../../outside/http.js';
import { fillUrl } from '../fill.js';
import type { Instance, Reload, ReloadResult } from '../service.js';
import type { ServiceSettings } from '../settings.js';

type ByHttp = Extract<Reload, { type: 'http' }>;

/** Sends one request. A 2xx answer confirms the reload. */
export async function reloadByHttp(
  { url, method, headers, tls, timeout }: ByHttp,
  instance: Instance,
  { uid, isFound = false }: ServiceSettings,
  signal: AbortSignal,
): Promise<ReloadResult> {
  const request = { url: fillUrl(url, instance), method, headers, tls, uid, isFound, timeout, signal };
  const answer = await requestOnce(request);
  if (answer.ok) return { ok: true };
  return { ok: false, reason: answer.reason, hint: 'check reload.http of this service; only a 2xx answer counts' };
}
