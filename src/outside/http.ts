import type { IncomingMessage } from 'node:http';
import { isIP, type Socket } from 'node:net';
import type { Duration } from '../keyset/basics/clock.js';
import { formatDuration } from '../keyset/basics/duration.js';
import { quoteOutside } from '../keyset/basics/outside-text.js';
import { type Headers, type HeaderValues, readHeaderValues } from './header-values.js';
import { bodyHeaders, readBody } from './http-body.js';
import { httpFault } from './http-fault.js';
import { type HttpTarget, readTarget } from './http-target.js';
import { within } from './limit.js';
import { isLinkLocal, lookupElsewhere } from './link-local.js';
import { secureContextOf } from './secure-context.js';
import { sharedReading } from './shared-reading.js';
import { NO_TLS_FILES, readTlsFiles, type Tls, type TlsMaterial } from './tls.js';

export interface HttpRequest {
  /** `http:`, `https:` or `unix:/path.sock:/path`. */
  readonly url: string;
  readonly method: 'GET' | 'POST' | 'PUT';
  readonly headers?: Headers;
  readonly tls?: Tls;
  /** The file with a body, which may hold a secret. Its type is `application/x-www-form-urlencoded` unless a header says else. */
  readonly body?: { readonly file: string };
  /** A token to present (RFC 6750 section 2.1). */
  readonly bearer?: string;
  /** The answer may hold a secret: no reason quotes it. */
  readonly isUnquoted?: boolean;
  /** Reads the body of an answer that is none of 2xx as well. */
  readonly keepsRefusal?: boolean;
  /** Files with headers or for TLS must belong to it or to root. Default: this process's effective uid. */
  readonly uid?: number;
  /** A program or a name server named the host, not the operator: no secret goes to a link-local or metadata address. */
  readonly isFound?: boolean;
  /** For look-up, connection, headers and body together. */
  readonly timeout: Duration;
  readonly signal: AbortSignal;
  /** Limit of the answer's body. Default: 64 KiB. */
  readonly maxBytes?: number;
}

/** Only a complete 2xx answer is `ok`. `reason` is one line, safe to print. */
export type HttpAnswer =
  | {
      readonly ok: true;
      readonly status: number;
      readonly body: Uint8Array;
      readonly cacheControl: string | null;
      /** `Age`: how long a cache on the way has held the answer. */
      readonly age: string | null;
    }
  | {
      readonly ok: false;
      readonly reason: string;
      /** Of a whole answer that is none of 2xx. Absent: there was none. */
      readonly status?: number;
      /** With `keepsRefusal`, unless it was too long or broke off. */
      readonly body?: Uint8Array;
    };

interface Exchange extends HttpRequest {
  readonly target: HttpTarget;
  readonly values: Record<string, string>;
  readonly bytes: Buffer | null;
  readonly material: TlsMaterial;
}

/** Milliseconds to reuse what was read: a renewed token or certificate counts after a second. */
const FRESH = 1_000;
const headerReading = sharedReading<HeaderValues>(FRESH);
const tlsReading = sharedReading<Awaited<ReturnType<typeof readTlsFiles>>>(FRESH);

/**
 * Sends one request on a new connection and closes it; keep-alive would always reach the same worker. Follows no
 * redirects. The other side's failures never reject.
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
  const uid = request.uid ?? process.geteuid?.() ?? 0;
  const { headers: named = {}, tls: files = NO_TLS_FILES } = request;
  const headers = await headerReading(JSON.stringify([named, uid]), () => readHeaderValues(named, uid));
  if (!headers.ok) return headers;
  if (isSecretAstray(request, target))
    return {
      ok: false,
      reason: `${target.host} is a link-local or metadata address: no secret goes there unless it is listed`,
    };
  const tls = await tlsReading(JSON.stringify([files, uid]), () => readTlsFiles(files, uid));
  if (!tls.ok) return tls;
  const body = request.body === undefined ? null : await readBody(request.body.file, uid);
  if (body !== null && !body.ok) return body;
  const bytes = body?.bytes ?? null;
  return exchange({ ...request, target, values: headers.values, material: tls.material, bytes }).finally(() =>
    bytes?.fill(0),
  );
}

/** A header or body from a file, a token, or a client certificate: another host could misuse it. */
function hasSecret({ headers = {}, tls = NO_TLS_FILES, body, bearer }: HttpRequest): boolean {
  return (
    bearer !== undefined ||
    body !== undefined ||
    tls.cert !== null ||
    tls.key !== null ||
    Object.values(headers).some((source) => 'file' in source)
  );
}

function isSecretAstray(request: HttpRequest, { at }: HttpTarget): boolean {
  return request.isFound === true && 'host' in at && isLinkLocal(at.host) && hasSecret(request);
}

/** Uses node:http instead of a client library: each poll is one connection, and waiting must cost next to nothing. */
async function exchange(request: Exchange): Promise<HttpAnswer> {
  const { target, material, signal } = request;
  const guarded = request.isFound === true && hasSecret(request);
  const [{ request: open }, connect] = await Promise.all([import('node:http'), connector(target, material, guarded)]);
  if (signal.aborted) return { ok: false, reason: 'interrupted' };
  const outgoing = open({
    path: target.path,
    method: request.method,
    createConnection: connect, // without an agent: a new connection, closed afterwards
    headers: {
      host: target.host,
      'user-agent': 'jwtrot',
      'cache-control': 'no-cache',
      'accept-encoding': 'identity',
      ...(request.bytes === null ? {} : bodyHeaders(request.bytes)),
      ...request.values,
      ...(request.bearer === undefined ? {} : { authorization: `Bearer ${request.bearer}` }),
    },
  });
  const end = () => outgoing.destroy();
  signal.addEventListener('abort', end, { once: true });
  try {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      outgoing.once('response', resolve).on('error', reject).end(request.bytes);
    });
    return await read(response, request);
  } finally {
    signal.removeEventListener('abort', end);
    end();
  }
}

/** @param guarded refuses a name that resolves to a link-local address */
async function connector({ at, secure }: HttpTarget, material: TlsMaterial, guarded: boolean): Promise<() => Socket> {
  const lookup = guarded ? { lookup: lookupElsewhere } : {};
  const place = 'socketPath' in at ? { path: at.socketPath } : { ...at, ...lookup };
  const { connect } = await import('node:net');
  if (!secure) return () => connect(place);
  const { connect: connectSecurely } = await import('node:tls');
  const secureContext = await secureContextOf(material);
  // Server name indication is only for names, not for addresses (RFC 6066 section 3).
  const name = 'host' in at && isIP(at.host) === 0 ? { servername: at.host } : {};
  // Said here, so that NODE_TLS_REJECT_UNAUTHORIZED of the environment can't undo it.
  return () => connectSecurely({ ...place, secureContext, ...name, rejectUnauthorized: true });
}

async function read(response: IncomingMessage, request: HttpRequest): Promise<HttpAnswer> {
  const { maxBytes = 64 * 1024, isUnquoted = false } = request;
  const { statusCode: status = 0, headers } = response;
  response.on('error', () => {}); // an error after the answer was judged
  if (status >= 300 && status < 400 && headers.location !== undefined) {
    return { ok: false, status, reason: `redirect${isUnquoted ? '' : ` to ${quoteOutside(headers.location)}`}` };
  }
  if (status < 200 || status > 299) {
    const said = request.keepsRefusal ? await readUpTo(response, maxBytes).catch(() => null) : null;
    return { ok: false, status, reason: `HTTP ${status}`, ...(said === null ? {} : { body: said }) };
  }
  const body = await readUpTo(response, maxBytes);
  if (body === null) return { ok: false, reason: `body longer than ${maxBytes / 1024} KiB` };
  return { ok: true, status, body, cacheControl: headers['cache-control'] ?? null, age: headers.age ?? null };
}

/** @returns null when the body is longer than `maxBytes` */
function readUpTo(body: IncomingMessage, maxBytes: number): Promise<Uint8Array | null> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  return new Promise((resolve, reject) => {
    body.on('data', (chunk: Uint8Array) => {
      size += chunk.length;
      if (size > maxBytes) return resolve(null);
      chunks.push(chunk);
    });
    body.once('end', () => resolve(chunks.length === 1 ? (chunks[0] ?? null) : Buffer.concat(chunks)));
    body.once('error', reject);
  });
}
