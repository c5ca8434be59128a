import type { Duration } from '../keyset/basics/clock.js';
import type { Headers } from '../outside/header-values.js';
import type { Tls } from '../outside/tls.js';

/** Several workers behind one address: `count` must agree; the value at `pointer` of an answer tells them apart. */
export interface Distinct {
  /** RFC 6901. */
  readonly pointer: string;
  readonly count: number;
}

/** What every kind of health has. */
interface Polled {
  /** `http:`, `https:` or `unix:/path.sock:/path`; `{name}` and `{address}` are filled in. */
  readonly url: string;
  readonly headers: Headers;
  readonly tls: Tls;
  /** For one poll. */
  readonly timeout: Duration;
  /** For the whole wait for a confirmation. */
  readonly deadline: Duration;
  /** Answers in a row that must agree. */
  readonly confirmations: number;
  readonly distinct: Distinct | null;
}

/** The service says which kids it holds. The pointers are RFC 6901. */
export interface JsonHealth extends Polled {
  readonly type: 'json';
  /** To the signing kid. */
  readonly kid: string;
  /** To the array of accepted kids. */
  readonly kids: string;
  /** To the array of kids whose private half a signer has in memory. Null: the gate does not ask for that. */
  readonly preloaded: string | null;
}

/** The answer is the JWK Set that the verifier itself checks tokens with. */
export interface JwksHealth extends Polled {
  readonly type: 'jwks';
}

/** The answer holds a token that the service has just minted: its kid, and whether it verifies, show the signing key. */
export interface TokenHealth extends Polled {
  readonly type: 'token';
  readonly method: 'GET' | 'POST' | 'PUT';
  /** The file with the request's body, which may hold a secret. */
  readonly body: { readonly file: string } | null;
  /** RFC 6901 pointer to the token. */
  readonly token: string;
}

/** The service is sent tokens that jwtrot has signed: which it accepts shows what it holds. */
export interface CanaryHealth extends Polled {
  readonly type: 'canary';
  readonly method: 'GET' | 'POST' | 'PUT';
  /** What every canary carries besides its own claims. */
  readonly claims: Readonly<Record<string, unknown>>;
  /** Of its header, RFC 7519 section 5.1; null: none. */
  readonly typ: string | null;
  /** HTTP statuses. One that is in neither list tells nothing. */
  readonly accepted: readonly number[];
  readonly rejected: readonly number[];
  /** Between two polls. */
  readonly every: Duration;
}

/** How an instance shows which keys it holds. Each kind has a prober (`health.ts`), and yields a `Report`. */
export type Health = JsonHealth | JwksHealth | TokenHealth | CanaryHealth;

/**
 * What an answer is: the service's word, what is in a signer's memory, the set that is in use, a token, or what a service
 * does with tokens. `sampled`: several answers, and nobody knows of how many workers.
 */
export type Proof = 'reported' | 'preloaded' | 'jwks' | 'token' | 'canary' | 'canary, sampled';

export function proofOf(health: Health): Proof {
  if (health.type === 'canary') return isSampled(health) ? 'canary, sampled' : 'canary';
  if (health.type !== 'json') return health.type;
  return health.preloaded === null ? 'reported' : 'preloaded';
}

/** One canary shows one worker. Behind several, only `distinct` shows all of them. */
function isSampled({ confirmations, distinct }: CanaryHealth): boolean {
  return confirmations > 1 && distinct === null;
}
