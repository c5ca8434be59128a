import type { World } from '../e2e/world.js';

/** What every token has, and every party asks for. */
export const CLAIMS = { iss: 'https://id.example', aud: 'api' } as const;

/** Seconds for which the server lets caches keep the JWKS; for which a party keeps it, where that can be set; jwksMaxAge: both. */
export const MAX_AGE = 1;
export const OWN_CACHE = 4;
export const TRUSTED_FOR = MAX_AGE + OWN_CACHE;

/** Where a party is put up. */
export interface Place {
  readonly world: World;
  /** The published file, and where it is served; or a cache before it. */
  readonly jwks: string;
  readonly jwksUrl: string;
  /** The delivered file. */
  readonly key: string;
}

interface Common {
  /** Its entry under `services` of jwtrot.yaml, or its entries. `deadline` must be taken over. */
  service(deadline: string): object | object[];
  /** Fields of the keyset: its `alg`, another `publish`. */
  readonly keyset?: Readonly<Record<string, unknown>>;
  start(): Promise<void>;
  /** As a service manager does. */
  stop(): Promise<void>;
  /** SIGKILL to all of its processes. */
  kill(): Promise<void>;
  /** What it has printed. */
  said(): string;
  /** Ends what was put up around it. */
  close?(): Promise<void>;
}

export interface Verifier extends Common {
  /** The HTTP status of its answer to a token; 0: nobody answered. */
  check(token: string): Promise<number>;
}

export interface Signer extends Common {
  /** A token of its own; null: it gave none. */
  mint(): Promise<string | null>;
}

interface Kind {
  /** As it is called in the table of docs/gateways.md. */
  readonly name: string;
  /** As the real program, or its package, tells it: `nginx 1.22.1`. */
  version(): string;
}

/** What checks tokens by the JWKS, without code of ours. */
export interface VerifierKind extends Kind {
  readonly role: 'verifier';
  /** How it gets the keys. Caches in between are there for a URL alone. */
  readonly reads: 'url' | 'files';
  /** Of one that reads files: takes them away, with jwtrot's records beside them, as a reboot does on a tmpfs. */
  lose?(place: Place): void;
  /** Its answer to a good token when it was started and there was no JWKS; 0: it does not start. 401: it takes good ones for bad until then. */
  readonly withoutJwks: number;
  /** What it does with a leaked key's token while a cache serves the JWKS of before for longer than configured. */
  readonly servedTooLong?: 'accepts' | 'unavailable';
  /** Puts it up. It is not started yet. */
  open(place: Place): Promise<Verifier>;
}

/** What signs with the delivered key. */
export interface SignerKind extends Kind {
  readonly role: 'signer';
  open(place: Place): Promise<Signer>;
}

export type PartyKind = VerifierKind | SignerKind;
