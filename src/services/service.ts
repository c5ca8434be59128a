import type { Duration } from '../keyset/clock.js';
import type { Batch } from '../keyset/policy.js';
import type { Command } from '../outside/command.js';
import type { Headers } from '../outside/header-values.js';
import type { Tls } from '../outside/tls.js';

export type { Headers, Tls };

export type Role = 'signer' | 'verifier' | 'both';

/** How the instances of a service are found; absent means one, without an address. */
export type InstanceSource =
  | { readonly type: 'list'; readonly instances: readonly Instance[] }
  | { readonly type: 'dns'; readonly name: string; readonly port: number }
  | { readonly type: 'command'; readonly command: Command };

export interface Instance {
  readonly name: string;
  /** `host:port`; null when the service has one instance that needs none. */
  readonly address: string | null;
}

export type SystemdAction = 'start' | 'reload' | 'restart' | 'reload-or-restart';

export type Reload =
  | { readonly type: 'systemd'; readonly unit: string; readonly action: SystemdAction; readonly timeout: Duration }
  | { readonly type: 'command'; readonly command: Command; readonly timeout: Duration }
  | {
      readonly type: 'signal';
      /** `SIGHUP` … */
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

export interface Health {
  /** `json`: kid and kids at pointers. `jwks`: the JWK Set that the verifier itself checks tokens with. */
  readonly type: 'json' | 'jwks';
  /** `http:`, `https:` or `unix:/path.sock:/path`; `{name}` and `{address}` are filled in. */
  readonly url: string;
  /** RFC 6901 pointer to the signing kid. */
  readonly kid: string;
  /** RFC 6901 pointer to the array of accepted kids. */
  readonly kids: string;
  readonly headers: Headers;
  readonly tls: Tls;
  /** Of one poll. */
  readonly timeout: Duration;
  /** Of waiting for a confirmation. */
  readonly deadline: Duration;
  /** Answers in a row that must agree. */
  readonly confirmations: number;
  /** So many different workers must agree: the value at `pointer` tells them apart. */
  readonly distinct: { readonly pointer: string; readonly count: number } | null;
}

export interface Service {
  readonly name: string;
  readonly role: Role;
  readonly instances: InstanceSource | null;
  readonly reload: Reload;
  readonly health: Health | null;
  /** How many of its instances are reloaded at a time. */
  readonly rollout: { readonly batch: Batch };
}

/** What one instance said in one poll. */
export type Report =
  | {
      readonly ok: true;
      /** The signing kid; null when the answer holds none. */
      readonly kid: string | null;
      /** The accepted kids; null when the answer holds no list. */
      readonly kids: readonly string[] | null;
      /** The value at `distinct.pointer`, as a string; null when not asked for or absent. */
      readonly worker: string | null;
    }
  | {
      readonly ok: false;
      /** One line, made safe to print: `connection refused`, `HTTP 503`, `not JSON: "<html>…"`. */
      readonly reason: string;
    };

/** What a reload came to. */
export type ReloadResult =
  | { readonly ok: true }
  | { readonly ok: false; readonly reason: string; readonly hint: string | null };

/** A dependent service, as the rollout sees it. Nothing here throws for what the service does wrong. */
export interface ServicePort {
  readonly service: Service;
  /** The instances as of now; an empty list is possible and never a confirmation. @throws JwtrotError kind `services` */
  listInstances(signal: AbortSignal): Promise<readonly Instance[]>;
  /** Ends within the reload's timeout, or when `signal` aborts. */
  reload(instance: Instance, signal: AbortSignal): Promise<ReloadResult>;
  /** One poll on a new connection; ends within `health.timeout`. Only for services with `health`. */
  probe(instance: Instance, signal: AbortSignal): Promise<Report>;
}

export function signs(service: Service): boolean {
  return service.role !== 'verifier';
}

export function verifies(service: Service): boolean {
  return service.role !== 'signer';
}

function reloadTime({ reload }: Service): Duration {
  return reload.type === 'none' ? 0 : reload.timeout;
}

/** How long a service may take to be reloaded and to confirm; where nobody can see it confirm, to be reloaded. */
export function serviceTime(service: Service): Duration {
  return service.health?.deadline ?? reloadTime(service);
}

/** How long after it was ordered a reload may still take effect. */
export function reloadEffectTime(service: Service): Duration {
  return Math.max(serviceTime(service), reloadTime(service));
}
