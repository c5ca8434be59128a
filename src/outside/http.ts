import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import type { Duration } from '../keyset/clock.js';
import { formatDuration } from '../keyset/duration.js';
import { quoteOutside } from '../keyset/outside-text.js';
import { type Headers, readHeaderValues } from './header-values.js';
import { httpFault } from './http-fault.js';
import { type HttpTarget, readTarget } from './http-target.js';
import { within } from './limit.js';
import { NO_TLS_FILES, readTlsFiles, type Tls, type TlsMaterial } from './tls.js';

export interface HttpRequest {
  /** `http:`, `https:` or `unix:/path.sock:/path`. */
  readonly url: string;
  readonly method: 'GET' | 'POST' | 'PUT';
  readonly headers?: Headers;
  readonly tls?: Tls;
  /** Of everything: look-up, connection, headers, body. */
  readonly timeout: Duration;
  readonly signal: AbortSignal;
  /** Of the answer's body; 64 KiB. */
  readonly maxBytes?: number;
  readonly body?: string | Uint8Array;
}

/** `ok` is a complete 2xx answer and nothing else. `reason` is one line, made safe to print. */
export type HttpAnswer =
  | {
      readonly ok: true;
      readonly status: number;
      readonly body: Uint8Array;
      readonly contentType: string | null;
      readonly cacheControl: string | null;
    }
  | { readonly ok: false; readonly reason: string };

interface Exchange extends HttpRequest {
  readonly target: HttpTarget;
  readonly values: Record<string, string>;
  readonly material: TlsMaterial;
}

/**
 * One request on a connection of its own, closed afterwards: keep-alive would stick to one worker of several.
 * Redirects are not followed. Never rejects for what the other side does.
 */
export async function requestOnce(request: HttpRequest): Promise<HttpAnswer> {
  try {
    const limited = await within(request.timeout, request.signal, (signal) => prepare({ ...request, signal }));
    if (limited.ended === 'done') return limited.value;
    if (limited.ended === 'interrupted') return { ok: false, reason: 'interrupted' };
    return { ok: false, reason: `no answer within ${formatDuration(request.timeout)}` };
  } catch (error) {
    return { ok: false, reason: httpFault(error) };
  }
}

async function prepare(request: HttpRequest): Promise<HttpAnswer> {
  const target = readTarget(request.url);
  if (target === null) return { ok: false, reason: 'not a URL that can be asked' };
  const headers = await readHeaderValues(request.headers ?? {});
  if (!headers.ok) return headers;
  const tls = await readTlsFiles(request.tls ?? NO_TLS_FILES);
  if (!tls.ok) return tls;
  return exchange({ ...request, target, values: headers.values, material: tls.material });
}

/** node:http, not a client library: one poll is one connection, and waiting is to cost next to nothing. */
async function exchange(request: Exchange): Promise<HttpAnswer> {
  const { target, material, signal } = request;
  const { request: open } = target.secure ? await import('node:https') : await import('node:http');
  if (signal.aborted) return { ok: false, reason: 'interrupted' };
  const outgoing = open({
    ...target.at,
    ...material,
    ...serverName(target),
    path: target.path,
    method: request.method,
    agent: false, // a connection of its own
    headers: {
      host: target.host,
      'user-agent': 'jwtrot',
      'cache-control': 'no-cache',
      'accept-encoding': 'identity',
      ...request.values,
    },
  });
  const end = () => outgoing.destroy();
  signal.addEventListener('abort', end, { once: true });
  try {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      outgoing.once('response', resolve).on('error', reject).end(request.body);
    });
    return await read(response, request.maxBytes ?? 64 * 1024);
  } finally {
    signal.removeEventListener('abort', end);
    end();
  }
}

/** Server name indication is for names alone (RFC 6066 section 3). */
function serverName({ at }: HttpTarget): { servername?: string } {
  return 'host' in at && isIP(at.host) === 0 ? { servername: at.host } : {};
}

async function read(response: IncomingMessage, maxBytes: number): Promise<HttpAnswer> {
  const { statusCode: status = 0, headers } = response;
  response.on('error', () => {}); // what comes after the answer was judged
  if (status >= 300 && status < 400 && headers.location !== undefined) {
    return { ok: false, reason: `redirect to ${quoteOutside(headers.location)}` };
  }
  if (status < 200 || status > 299) return { ok: false, reason: `HTTP ${status}` };
  const body = await readUpTo(response, maxBytes);
  if (body === null) return { ok: false, reason: `body longer than ${maxBytes / 1024} KiB` };
  const contentType = headers['content-type'] ?? null;
  return { ok: true, status, body, contentType, cacheControl: headers['cache-control'] ?? null };
}

/** @returns null when there is more than `maxBytes` */
async function readUpTo(body: AsyncIterable<Uint8Array>, maxBytes: number): Promise<Uint8Array | null> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > maxBytes) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
