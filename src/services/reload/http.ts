import { requestOnce } from '../../outside/http.js';
import { fillUrl } from '../fill.js';
import type { Instance, Reload, ReloadResult } from '../service.js';

type ByHttp = Extract<Reload, { type: 'http' }>;

/** Sends one request; a 2xx is a reload. */
export async function reloadByHttp(
  { url, method, headers, tls, timeout }: ByHttp,
  instance: Instance,
  signal: AbortSignal,
): Promise<ReloadResult> {
  const answer = await requestOnce({ url: fillUrl(url, instance), method, headers, tls, timeout, signal });
  if (answer.ok) return { ok: true };
  return { ok: false, reason: answer.reason, hint: 'check reload.http of this service; only a 2xx answer counts' };
}
