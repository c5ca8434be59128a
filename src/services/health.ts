import { quoteOutside } from '../keyset/outside-text.js';
import { requestOnce } from '../outside/http.js';
import { fillUrl } from './fill.js';
import { valueAt } from './pointer.js';
import type { Health, Instance, Report } from './service.js';

/** More kids than any keyset publishes; a longer list is not one of kids. */
const MOST_KIDS = 1000;

/** Asks an instance once, on a new connection, what it holds. Whether that is enough is not judged here. */
export async function probe(health: Health, instance: Instance, signal: AbortSignal): Promise<Report> {
  const answer = await requestOnce({
    url: fillUrl(health.url, instance),
    method: 'GET',
    headers: { accept: { value: 'application/json' }, ...health.headers },
    tls: health.tls,
    timeout: health.timeout,
    signal,
  });
  return answer.ok ? readReport(health, answer.body) : answer;
}

/** Reads a body as what the service reports. Every fault is a reason with the body's beginning. */
export function readReport(health: Health, body: Uint8Array): Report {
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8');
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    return { ok: false, reason: text.trim() === '' ? 'an empty body' : `not JSON: ${quoteOutside(text)}` };
  }
  const worker = health.distinct === null ? null : workerOf(valueAt(document, health.distinct.pointer));
  return health.type === 'jwks' ? readJwks(document, worker) : readJson(health, document, worker);
}

function readJson(health: Health, document: unknown, worker: string | null): Report {
  const kid = valueAt(document, health.kid) ?? null;
  const kids = valueAt(document, health.kids) ?? null;
  if (kid !== null && typeof kid !== 'string') return wrong(health.kid, 'is not a string', kid);
  if (kids !== null && !isListOfStrings(kids)) {
    return wrong(health.kids, `is not an array of at most ${MOST_KIDS} strings`, kids);
  }
  return { ok: true, kid, kids, worker };
}

/** RFC 7517 section 5. A key without a kid can't be meant by a token's `kid`, so it doesn't count. */
function readJwks(document: unknown, worker: string | null): Report {
  const keys = valueAt(document, '/keys');
  if (!Array.isArray(keys)) return wrong('', 'is not a JWK Set: it has no array "keys"', document);
  const kids = keys.map((key) => valueAt(key, '/kid')).filter((kid) => kid !== undefined);
  if (!isListOfStrings(kids))
    return wrong('/keys', `does not hold at most ${MOST_KIDS} keys with strings as kid`, keys);
  return { ok: true, kid: null, kids, worker };
}

function isListOfStrings(value: unknown): value is string[] {
  return Array.isArray(value) && value.length <= MOST_KIDS && value.every((kid) => typeof kid === 'string');
}

function workerOf(value: unknown): string | null {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : null;
}

function wrong(pointer: string, what: string, value: unknown): Report {
  const where = pointer === '' ? 'the answer' : `what is at ${quoteOutside(pointer)}`;
  return { ok: false, reason: `${where} ${what}: ${quoteOutside(beginning(value))}` };
}

/** JSON.stringify is recursive; a body of nothing but brackets would exhaust the stack. */
function beginning(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch {
    return 'nested too deeply';
  }
}
