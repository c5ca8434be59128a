import { decodeJson } from '../keyset/basics/foreign-json.js';
import { quoteOutside } from '../keyset/basics/outside-text.js';
import { type HttpRequest, requestOnce } from '../outside/http.js';
import { probeByCanary, type Sent } from './canary.js';
import { fillUrl } from './fill.js';
import type { CanaryHealth, Health, JsonHealth, JwksHealth } from './health-kinds.js';
import { valueAt } from './pointer.js';
import type { Proving } from './proving.js';
import type { Instance, Report } from './service.js';
import type { ServiceSettings } from './settings.js';
import { readToken } from './token.js';

/** More kids than any keyset publishes: a longer list can't be a list of kids. */
const MOST_KIDS = 1000;
const NO_LIST = `is not an array of at most ${MOST_KIDS} strings`;

/** Asks an instance once, on a new connection, which keys it holds. `judge` decides whether that is enough. */
export async function probe(
  health: Exclude<Health, CanaryHealth>,
  instance: Instance,
  settings: ServiceSettings,
  { signal, proving }: Asking,
): Promise<Report> {
  const asked = proving?.now() ?? 0;
  const answer = await requestOnce(requestOf(health, instance, settings, signal));
  if (!answer.ok) return { ok: false, reason: `${answer.reason}${saidWhy(answer.body)}` };
  if (health.type !== 'token') return readReport(health, answer.body);
  const check = proving === undefined ? null : { published: proving.published(), asked, clockSkew: proving.clockSkew };
  const report = await readToken(health, answer.body, check);
  answer.body.fill(0);
  return report;
}

/** Shows an instance canaries. Each goes over a connection of its own. */
export async function probeWithCanaries(
  health: CanaryHealth,
  { name, instance }: { readonly name: string; readonly instance: Instance },
  settings: ServiceSettings,
  { signal, proving, kids }: Asking,
): Promise<Report> {
  if (proving === undefined) return { ok: false, reason: 'nobody signs canaries here' };
  const { canaries, published } = proving;
  const request = requestOf(health, instance, settings, signal);
  const send = async (bearer: string): Promise<Sent> => {
    const answer = await requestOnce({ ...request, bearer });
    const worker = answer.ok && health.distinct !== null ? workerIn(answer.body, health.distinct.pointer) : null;
    return { status: answer.status ?? null, reason: answer.ok ? `HTTP ${answer.status}` : answer.reason, worker };
  };
  const at = `${name}/${instance.name}`;
  const all = published().map((key) => key.kid);
  return probeByCanary({ at, health, canaries, send }, kids ?? all.filter((kid) => canaries.mayShow(kid, at)));
}

/** What a poll needs besides its service. */
export interface Asking {
  readonly signal: AbortSignal;
  readonly proving: Proving | undefined;
  readonly kids: readonly string[] | undefined;
}

function requestOf(
  health: Health,
  instance: Instance,
  { uid, isFound = false }: ServiceSettings,
  signal: AbortSignal,
): HttpRequest {
  const { tls, timeout } = health;
  const url = fillUrl(health.url, instance);
  const common = { url, tls, uid, isFound, timeout, signal };
  const headers = { accept: { value: 'application/json' }, ...health.headers };
  if (health.type === 'json' || health.type === 'jwks')
    return { ...common, method: 'GET', headers, keepsRefusal: true };
  const body = health.type === 'token' ? health.body : null;
  return { ...common, method: health.method, headers, isUnquoted: true, ...(body === null ? {} : { body }) };
}

/** What a service that has no keys says about that, in the member `error` of its answer. */
function saidWhy(body: Uint8Array | undefined): string {
  if (body === undefined) return '';
  const decoded = decodeJson(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8'));
  const error = decoded.ok ? valueAt(decoded.value, '/error') : null;
  return typeof error === 'string' && error !== '' ? `: ${quoteOutside(error)}` : '';
}

function workerIn(body: Uint8Array, pointer: string): string | null {
  const decoded = decodeJson(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8'));
  return decoded.ok ? workerOf(valueAt(decoded.value, pointer)) : null;
}

/** Reads a report from an answer's body. The reason for a fault quotes the beginning of what is wrong. */
export function readReport(health: JsonHealth | JwksHealth, body: Uint8Array): Report {
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8');
  if (text.trim() === '') return { ok: false, reason: 'an empty body' };
  const decoded = decodeJson(text);
  if (!decoded.ok) return { ok: false, reason: `${decoded.reason}: ${quoteOutside(text)}` };
  const document = decoded.value;
  const worker = health.distinct === null ? null : workerOf(valueAt(document, health.distinct.pointer));
  return health.type === 'jwks' ? readJwks(document, worker) : readJson(health, document, worker);
}

function readJson(health: JsonHealth, document: unknown, worker: string | null): Report {
  const kid = valueAt(document, health.kid) ?? null;
  const kids = valueAt(document, health.kids) ?? null;
  const preloaded = health.preloaded === null ? null : (valueAt(document, health.preloaded) ?? null);
  if (kid !== null && typeof kid !== 'string') return wrong(health.kid, 'is not a string', kid);
  if (kids !== null && !isListOfStrings(kids)) return wrong(health.kids, NO_LIST, kids);
  if (preloaded !== null && !isListOfStrings(preloaded)) return wrong(health.preloaded ?? '', NO_LIST, preloaded);
  return { ok: true, kid, kids, worker, ...(health.preloaded === null ? {} : { preloaded }) };
}

/** RFC 7517 section 5. A token's `kid` can't name a key without a kid, so such a key doesn't count. */
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
  return { ok: false, reason: `${where} ${what}: ${quoteOutside(JSON.stringify(value))}` };
}
