import type { Duration } from '../keyset/basics/clock.js';
import type { Batch } from '../keyset/basics/policy.js';
import type { Command } from '../outside/command.js';
import type { Headers } from '../outside/header-values.js';
import type { Tls } from '../outside/tls.js';
import type { Health } from './health-kinds.js';
import type { Polls } from './polls.js';
import type { Proving } from './proving.js';

export type { Headers, Health, Tls };

export type Role = 'signer' | 'verifier' | 'both';

/** How the instances of a service are found. */
export type InstanceSource =
  | { readonly type: 'list'; readonly instances: readonly Instance[] }
  | { readonly type: 'dns'; readonly name: string; readonly port: number }
  | { readonly type: 'command'; readonly command: Command };

export interface Instance {
  readonly name: string;
  /** `host:port`; null when the service has one instance that needs none. */
  readonly address: string | null;
  /**
   * Why this instance can't be used as it was found. It is neither reloaded nor polled, and never confirms, since nobody
   * can tell which keys it holds. Absent when it can be used.
   */
  readonly flaw?: string;
}

export type SystemdAction = 'start' | 'reload' | 'restart' | 'reload-or-restart';

export type Reload =
  | { readonly type: 'systemd'; readonly unit: string; readonly action: SystemdAction; readonly timeout: Duration }
  | {
      readonly type: 'command';
      readonly command: Command;
      readonly timeout: Duration;
      /** True when the command ends only after the service has read its keys again. Default: false. */
      readonly waits?: boolean;
    }
  | {
      readonly type: 'signal';
      /** Such as `SIGHUP`. */
      readonly signal: NodeJS.Signals;
      readonly target: { readonly pidFile: string } | { readonly pid: number };
      readonly timeout: Duration;
    }
  | {
      readonly type: 'http';
      readonly url: string;
      readonly method: 'POST' | 'PUT' | 'GET';
      readonly headers: Headers;
      readonly tls: Tls;
      readonly timeout: Duration;
    }
  | { readonly type: 'none' };

export interface Service {
  readonly name: string;
  readonly role: Role;
  /** Null: one instance without an address. */
  readonly instances: InstanceSource | null;
  readonly reload: Reload;
  readonly health: Health | null;
  /** How many of its instances each wave reloads. */
  readonly rollout: { readonly batch: Batch };
}

/** One instance's answer to one poll. */
export type Report =
  | {
      readonly ok: true;
      /** The signing kid; null when the answer holds none. */
      readonly kid: string | null;
      /** The accepted kids; null when the answer holds no list. */
      readonly kids: readonly string[] | null;
      /** The kids whose private half is in its memory; null when the answer holds no list. Absent: not looked for. */
      readonly preloaded?: readonly string[] | null;
      /** Kids that it has certainly rejected. Absent: their absence from `kids` is all that there is to see. */
      readonly rejects?: readonly string[];
      /** Kids of which nothing can be shown. */
      readonly unshown?: readonly string[];
      /** The status with which it refused every canary: that may be the fault of the claims, not of the keys. */
      readonly refusedWith?: number;
      /** The value at `distinct.pointer` as a string; null when absent or not configured. */
      readonly worker: string | null;
    }
  | {
      readonly ok: false;
      /** One line, safe to print: `connection refused`, `HTTP 503: "no key yet"`, `not JSON: "<html>…"`. */
      readonly reason: string;
    };

/** The result of a reload. */
export type ReloadResult =
  | { readonly ok: true }
  | { readonly ok: false; readonly reason: string; readonly hint: string | null };

export interface ReloadHow {
  /** Start a stopped unit: it could not start before it had its first key. */
  readonly startIfStopped: boolean;
}

/** One reload that is asked for, until the signal aborts. */
export type ReloadOrder = Partial<ReloadHow> & { readonly signal: AbortSignal };

/**
 * A dependent service, as the rollout sees it. A service's failures are results; only `listInstances` throws for them.
 */
export interface ServicePort {
  readonly service: Service;
  /**
   * Lists the present instances. An empty list is possible, and is never a confirmation.
   * @throws JwtrotError kind `services`
   */
  listInstances(signal: AbortSignal): Promise<readonly Instance[]>;
  /** Ends within the reload's timeout, or when `signal` aborts. */
  reload(instance: Instance, signal: AbortSignal, how?: ReloadHow): Promise<ReloadResult>;
  /**
   * Delays a reload until few enough reloads of this service are under way, since each takes a process or a connection.
   * Rejects with the signal's reason when that aborts first. Absent: reloads begin at once.
   */
  inTurn?<T>(reload: () => Promise<T>, signal: AbortSignal): Promise<T>;
  /**
   * Polls once, on a new connection; ends within `health.timeout`, with canaries within that for each of them. Only for
   * services with `health`.
   * @param kids what canaries must show. Default: every published key
   * @throws JwtrotError `canary-proves-nothing`
   */
  probe(instance: Instance, signal: AbortSignal, proving?: Proving, kids?: readonly string[]): Promise<Report>;
  /** How often it may be polled. Absent: as often as is useful. */
  readonly polls?: Polls;
}

/** Reloads an instance when its turn comes. */
export function reloadInTurn(port: ServicePort, instance: Instance, signal: AbortSignal): Promise<ReloadResult> {
  const work = () => port.reload(instance, signal);
  return port.inTurn === undefined ? work() : port.inTurn(work, signal);
}

export function signs(service: Service): boolean {
  return service.role !== 'verifier';
}

export function verifies(service: Service): boolean {
  return service.role !== 'signer';
}

/** It shows that it has the private half of a key in memory before that key signs. */
export function preloads({ health }: Service): boolean {
  return health?.type === 'json' && health.preloaded !== null;
}

function reloadTime({ reload }: Service): Duration {
  return reload.type === 'none' ? 0 : reload.timeout;
}

/**
 * How long a service may take to reload and confirm. One without `health` can't confirm: how long it may take to reload.
 */
export function serviceTime(service: Service): Duration {
  return service.health?.deadline ?? reloadTime(service);
}

/**
 * How long after it was ordered a reload may still take effect. A reload that reports its end is over after its own time
 * limit. A signal doesn't report its end, so the service gets its whole time to confirm.
 */
export function reloadEffectTime(service: Service): Duration {
  const own = reloadTime(service);
  return isAcknowledged(service.reload) ? own : Math.max(serviceTime(service), own);
}

/**
 * True when the reload ends only after the service has read its keys: a systemd job, an HTTP answer, a command that
 * waits.
 */
export function isAcknowledged(reload: Reload): boolean {
  return reload.type === 'systemd' || reload.type === 'http' || (reload.type === 'command' && reload.waits === true);
}
