import type { Socket } from 'node:net';
import type { Client as UndiciClient } from 'undici';
import type { Duration } from '../keyset/clock.js';
import { formatDuration } from '../keyset/duration.js';
import { quoteOutside } from '../keyset/outside-text.js';
import { type Headers, readHeaderValues } from './header-values.js';
import { httpFault } from './http-fault.js';
import { type HttpTarget, openSocket, readTarget } from './http-target.js';
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

async function exchange(request: Exchange): Promise<HttpAnswer> {
  const { target, material } = request;
  const Client = await loadClient();
  if (request.signal.aborted) return { ok: false, reason: 'interrupted' };
  let socket: Socket | undefined;
  const client = new Client(target.origin, {
    pipelining: 0,
    headersTimeout: 0, // the limit around everything holds instead
    bodyTimeout: 0,
    connect: (_options, callback) => {
      socket = openSocket(target, material, (error, ready) => (error ? callback(error, null) : callback(null, ready)));
    },
  });
  // Only destroying both ends a connection attempt that hangs; an abort alone waits for it.
  const end = () => {
    client.destroy().catch(() => {});
    socket?.on('error', () => {}).destroy();
  };
  request.signal.addEventListener('abort', end, { once: true });
  try {
    return await ask(client, request);
  } finally {
    request.signal.removeEventListener('abort', end);
    end();
  }
}

async function ask(client: UndiciClient, request: Exchange): Promise<HttpAnswer> {
  const response = await client.request({
    path: request.target.path,
    method: request.method,
    reset: true,
    headers: {
      'user-agent': 'jwtrot',
      'cache-control': 'no-cache',
      'accept-encoding': 'identity',
      ...request.values,
    },
    body: request.body ?? null,
  });
  const { statusCode: status, headers, body } = response;
  body.on('error', () => {});
  const location = single(headers['location']);
  if (status >= 300 && status < 400 && location !== null) {
    return { ok: false, reason: `redirect to ${quoteOutside(location)}` };
  }
  if (status < 200 || status > 299) return { ok: false, reason: `HTTP ${status}` };
  const maxBytes = request.maxBytes ?? 64 * 1024;
  const bytes = await readUpTo(body, maxBytes);
  if (bytes === null) return { ok: false, reason: `body longer than ${maxBytes / 1024} KiB` };
  return {
    ok: true,
    status,
    body: bytes,
    contentType: single(headers['content-type']),
    cacheControl: single(headers['cache-control']),
  };
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

function single(header: string | string[] | undefined): string | null {
  return (Array.isArray(header) ? header.join(', ') : header) ?? null;
}

async function loadClient(): Promise<typeof UndiciClient> {
  // undici parses HTTP in WebAssembly. V8 would optimise that parser after a few polls, which costs 35 MiB (measured over
  // 300 polls: 103 MiB at the peak, 69 without) and gains nothing at one poll a second.
  const v8 = await import('node:v8');
  v8.setFlagsFromString('--liftoff-only');
  // By its default export: the named ones of a CommonJS package are gone once it is bundled.
  const { default: undici } = await import('undici');
  return undici.Client;
}
