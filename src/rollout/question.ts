import type { Instant } from '../keyset/clock.js';
import type { ServicePort } from '../services/service.js';
import type { Wanted } from '../services/wanted.js';

/** `needed`: instances that do not report it yet. `always`: what is delivered to them changed. */
export type ReloadWhen = 'needed' | 'always' | 'never';

/** What is asked of services. */
export interface Question {
  readonly services: readonly ServicePort[];
  readonly wanted: Wanted;
  /** For all of them, or for each. */
  readonly reload: ReloadWhen | ((service: string, instance: string) => ReloadWhen);
  /** Null: each service's own deadline; else until then, whatever the service's own. */
  readonly until: Instant | null;
  /** They are known to have answered before a reload of an earlier run. */
  readonly answeredEarlier?: boolean;
  /**
   * `waves` (default): of as many as the configuration says; the first that does not confirm stops the rest.
   * `every-wave`: it does not. `at-once`: no waves. In an incident, and with `until`, it always is at once.
   */
  readonly pace?: 'waves' | 'every-wave' | 'at-once';
}

/** One instance's answer. */
export interface Answer {
  readonly service: string;
  readonly instance: string;
  readonly confirmed: boolean;
  /** It answered before its reload and does not any more. */
  readonly broke: boolean;
  /** It is polled, and answered lately, if not with what is wanted. */
  readonly answers?: boolean;
  readonly reason: string | null;
  readonly hint: string | null;
}
