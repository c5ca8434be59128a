import type { Instant } from '../keyset/basics/clock.js';
import type { ServicePort } from '../services/service.js';
import type { Wanted } from '../services/wanted.js';

/** `needed`: only instances that do not report what is wanted. `always`: what is delivered to them changed. */
export type ReloadWhen = 'needed' | 'always' | 'never';

/** What is asked of services. */
export interface Question {
  readonly services: readonly ServicePort[];
  readonly wanted: Wanted;
  /** For all of them, or for each. */
  readonly reload: ReloadWhen | ((service: string, instance: string) => ReloadWhen);
  /** Waits until then, whatever the services' own deadlines; null: each service's own deadline. */
  readonly until: Instant | null;
  /** An earlier run saw all of them answer before it reloaded them. */
  readonly answeredEarlier?: boolean;
  /**
   * `waves` (default): sized by the configuration; the first wave that does not confirm stops the rest. `every-wave`:
   * the rest goes on all the same. `at-once`: no waves; always so in an incident, and with `until`.
   */
  readonly pace?: 'waves' | 'every-wave' | 'at-once';
  /** A second look in the same step: a repeated confirmation is no news. */
  readonly isOnceMore?: true;
}

/** One instance's answer. */
export interface Answer {
  readonly service: string;
  readonly instance: string;
  readonly confirmed: boolean;
  /** It answered before its reload and no longer does. */
  readonly broke: boolean;
  /** It is polled and answered lately, perhaps without what is wanted. */
  readonly answers?: boolean;
  readonly reason: string | null;
  readonly hint: string | null;
}
