import type { Clock, Duration } from '../keyset/basics/clock.js';
import type { Instance, ServicePort } from './service.js';
import type { Wanted } from './wanted.js';

export interface InstanceEvent {
  readonly type: 'instance';
  readonly service: string;
  readonly instance: string;
  readonly state: 'reloading' | 'awaited' | 'confirmed' | 'unconfirmed';
  readonly reason?: string;
}

export interface Awaiting {
  /** It must have a `health`. */
  readonly service: ServicePort;
  readonly instances: readonly Instance[];
  readonly wanted: Wanted;
  readonly clock: Clock;
  /** 0 <= x < 1, for jitter. */
  readonly random: () => number;
  readonly signal: AbortSignal;
  /** Milliseconds for everything. */
  readonly deadline: Duration;
  /** `needed`: reload only instances that do not yet report what is wanted. */
  readonly reloadWhen: 'always' | 'needed' | 'never';
  /**
   * Reload an instance again at a third and at two thirds of the deadline, if its answers are valid but still the old
   * ones.
   */
  readonly reloadAgain: boolean;
  /** A last look in the same phase. */
  readonly isOnceMore?: boolean;
  readonly onEvent: (event: InstanceEvent) => void;
}

export interface InstanceOutcome {
  readonly instance: Instance;
  readonly confirmed: boolean;
  /** It answered validly before its first reload. */
  readonly answeredBefore: boolean;
  /** One of its newest three answers since the last reload was valid. Without any answer since then: `answeredBefore`. */
  readonly answers: boolean;
  /** Why it is not confirmed: the last reload's failure and the newest answer's fault. Null when confirmed. */
  readonly reason: string | null;
  /** How to fix the last reload, if it failed. */
  readonly reloadHint: string | null;
}
