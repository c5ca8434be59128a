import type { Clock, Duration } from '../keyset/basics/clock.js';
import { formatDuration } from '../keyset/basics/duration.js';
import { quoteOutside } from '../keyset/basics/outside-text.js';
import type { JwkSet, OutletContent } from '../keyset/published/jwk-set.js';
import { requestOnce } from '../outside/http.js';
import type { PublishOutlet } from './configured.js';
import { publishText } from './content.js';
import { OBSERVE_LIMIT } from './limits.js';
import { observeWithin } from './observe-outlet.js';
import type { OnWait, Unread } from './outlet.js';
import type { Reachable } from './place.js';
import { LONGEST_FILE } from './read-file.js';
import { readJwks } from './read-jwks.js';

/** For one request. */
export const REQUEST_TIMEOUT: Duration = 5_000;
const PAUSE = { first: 100, longest: 2_000 } as const;
/** Longer waits are told of. */
const SOON: Duration = 1_000;

export interface ReadBackOptions {
  readonly deadline: Duration;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly onWait: OnWait;
}

/** Reads the file (or a command's record) once, and polls the URL until it serves `content`. */
export async function readBackOutlet(
  reachable: Reachable,
  outlet: PublishOutlet,
  content: OutletContent,
  options: ReadBackOptions,
): Promise<Unread | null> {
  const text = publishText(content, outlet.format);
  if (text === null) return null; // nothing to write yet
  const { target } = reachable;
  const { sight, problem } = await observeWithin(reachable, OBSERVE_LIMIT.hurried);
  if (problem !== null) return { outlet: target.label, reason: problem };
  if (!target.holds(sight, content)) {
    const reason = sight.keys === null ? 'it holds nothing' : 'it does not hold what was written';
    return { outlet: target.label, reason };
  }
  if (outlet.url === null) return null;
  const reason = await pollUrl(outlet.url, (body) => servedProblem(body, content, outlet.format), options);
  return reason === null ? null : { outlet: target.label, reason: `${withoutQuery(outlet.url)}: ${reason}` };
}

async function pollUrl(
  url: string,
  judge: (body: string) => Promise<string | null>,
  { deadline, signal, clock, onWait }: ReadBackOptions,
): Promise<string | null> {
  const end = clock.monotonic() + deadline;
  let isTold = false;
  for (let pause: number = PAUSE.first; ; pause = Math.min(2 * pause, PAUSE.longest)) {
    const left = end - clock.monotonic();
    const timeout = Math.min(REQUEST_TIMEOUT, Math.max(left, 1_000));
    const answer = await requestOnce({ url, method: 'GET', timeout, signal, maxBytes: LONGEST_FILE });
    const reason = answer.ok ? await judge(Buffer.from(answer.body).toString('utf8')) : refusalOf(answer);
    if (reason === null || signal.aborted) return reason;
    const rest = end - clock.monotonic();
    if (rest <= 0) return reason;
    if (!isTold && deadline - rest >= SOON) {
      onWait(`reading ${withoutQuery(url)} back: ${reason}, for up to ${formatDuration(deadline)}`);
      isTold = true;
    }
    await clock.sleep(Math.min(pause, rest), signal).catch(() => {});
    if (signal.aborted) return reason;
  }
}

function refusalOf({ reason, status }: { readonly reason: string; readonly status?: number }): string {
  const isForbidden = status === 403;
  return isForbidden ? `${reason} (may the web server read the file, and pass through its directory?)` : reason;
}

/** Why the served body is not `content`; null: it is. */
async function servedProblem(
  body: string,
  content: OutletContent,
  format: PublishOutlet['format'],
): Promise<string | null> {
  if (format === 'pem') return body.trim() === publishText(content, 'pem')?.trim() ? null : 'it serves another text';
  return servedJwksProblem(body, content.jwks);
}

/** Null: it serves exactly the expected kids, in any order, each with its own key, and no private member. */
async function servedJwksProblem(body: string, expected: JwkSet): Promise<string | null> {
  const read = await readJwks(body);
  if (read === null) return `it serves no JWK Set: ${quoteOutside(body.slice(0, 60))}`;
  if (read.leaks) return 'it serves a private key: take it down, and retire that key';
  const wanted = await readJwks(JSON.stringify(expected));
  const served = new Map(read.keys.map((key) => [key.kid, key.thumbprint]));
  for (const { kid, thumbprint } of wanted?.keys ?? []) {
    if (!served.has(kid)) return `it does not serve ${kid} yet`;
    if (served.get(kid) !== thumbprint) return `it serves another key under ${kid}`;
    served.delete(kid);
  }
  const [more] = served.keys();
  if (more !== undefined) return `it still serves ${quoteOutside(more ?? 'a key without a kid')}`;
  return read.keys.length === expected.keys.length ? null : 'it serves a key twice';
}

/** A query or fragment may hold a secret. */
export function withoutQuery(url: string): string {
  return url.replace(/[?#].*$/s, '');
}
