import type { Duration, Instant } from '../keyset/basics/clock.js';
import type { PublishedJwk } from '../keyset/published/jwk-set.js';
import type { CanaryHealth } from './health-kinds.js';

/** What an answer is checked against. */
export interface Proving {
  /** The keys that are published now. */
  readonly published: () => readonly PublishedJwk[];
  readonly now: () => Instant;
  readonly clockSkew: Duration;
  readonly canaries: Canaries;
}

/** `gone`: its private half is not there. `fault`: why it can't be signed now. */
export type SignedCanary = { readonly token: string } | { readonly gone: true } | { readonly fault: string };

/** What the configuration has canaries look like. */
export type CanaryLooks = Pick<CanaryHealth, 'claims' | 'typ'>;

/** Signs canaries: fresh tokens, for one URL each, never printed. */
export interface Canaries {
  activeKid(): string | null;
  /**
   * False: the verifier was not told of the key yet. An unknown kid may make it fetch the JWKS, and wait long until it does
   * so again.
   * @param at `service/instance`
   */
  mayShow(kid: string, at: string): boolean;
  sign(kid: string, looks: CanaryLooks): Promise<SignedCanary>;
  /** A token that must be rejected: of the active key, with a wrong signature. */
  control(looks: CanaryLooks): Promise<Exclude<SignedCanary, { gone: true }>>;
  /** Those that have rejected the control. */
  readonly controlled: Set<string>;
  /** Those that have rejected it after they had accepted a canary. */
  readonly controlledSince: Set<string>;
  /** A service that accepts the control ends the run. */
  mayStop(): boolean;
}
