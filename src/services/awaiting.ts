import type { Clock, Duration } from '../keyset/clock.js';
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
  /** One with `health`. */
  readonly service: ServicePort;
  readonly instances: readonly Instance[];
  readonly wanted: Wanted;
  readonly clock: Clock;
  /** 0 <= x < 1, for jitter. */
  readonly random: () => number;
  readonly signal: AbortSignal;
  /** Milliseconds; nothing is waited for beyond it. */
  readonly deadline: Duration;
  /** `needed`: instances that do not report what is wanted yet. */
  readonly reloadWhen: 'always' | 'needed' | 'never';
  /** Reload an instance that is healthy but as before again, at a third and two thirds of the deadline. */
  readonly reloadAgain: boolean;
  readonly onEvent: (event: InstanceEvent) => void;
}

export interface InstanceOutcome {
  readonly instance: Instance;
  readonly confirmed: boolean;
  /** It answered validly before its first reload. */
  readonly answeredBefore: boolean;
  /** Of its newest three answers since the last reload one was valid. Without any since: as before. */
  readonly answers: boolean;
  /** Why it is not confirmed: the last reload's failure, the newest answer's fault. Null when it is. */
  readonly reason: string | null;
  readonly reloads: number;
  /** How to mend the last reload, when it failed. */
  readonly reloadHint: string | null;
}
