/**
 * What happens to a call:
 * - `before`: HTTP 500 without effect; `after`: it takes effect, then HTTP 500;
 * - `cut`: the connection is cut without effect; `lost-reply`: it takes effect, then the connection is cut;
 * - `silence`: no effect and no reply, ever; `mute`: it takes effect, and no reply, ever;
 * - `endless`: no effect, and an answer (HTTP 200) that never ends, at `pace`;
 * - `slow`: it takes effect and is answered after `ms`, whether or not the client still waits;
 * - `stale`: Secrets Manager answers from before its newest write;
 * - `throttle`, `denied`, `html500`: the reply of that kind, without effect; `error`: `type`, `message` and `status`.
 */
export type FaultMode =
  | 'before'
  | 'after'
  | 'cut'
  | 'lost-reply'
  | 'silence'
  | 'mute'
  | 'slow'
  | 'stale'
  | 'throttle'
  | 'denied'
  | 'html500'
  | 'error'
  | 'endless';

export interface FaultRule {
  /** `GetSecretValue`, `Encrypt`, …; `*`: any. */
  readonly operation: string;
  /** The how manieth call from now, from 1; absent: each. The SDK's own retries count as calls. */
  readonly nth?: number;
  /** How many calls, from the `nth` on; 1 with `nth`, else without end. */
  readonly times?: number;
  readonly mode: FaultMode;
  /** After this call nothing answers any more, whatever is called, until `heal`. */
  readonly thenSilent?: boolean;
  /** Milliseconds, for `slow`. */
  readonly ms?: number;
  /** For `endless`: bytes a second; absent: as fast as they are read. */
  readonly pace?: number;
  /** For `error`: AWS's name for it, its message, the HTTP status (400). */
  readonly type?: string;
  readonly message?: string;
  readonly status?: number;
}

export interface AwsServer {
  readonly endpoint: string;
  readonly region: string;
  /** The ARN of a KMS key that is there from the start, as `alias/jwtrot` too. */
  readonly keyId: string;
  /** The server's clock: Unix time in milliseconds; its `Date` header and its recovery windows follow it. */
  now(): number;
  /** Sets the server's clock forward (or back), in milliseconds. */
  advance(duration: number): void;
  /** Its `Date` headers are off by so much from now on; nothing else is. */
  lieAboutTime(duration: number): void;
  fail(rule: FaultRule): void;
  /** Drops all rules. */
  heal(): void;
  /** How often an operation was called, the SDK's own retries included. */
  calls(operation: string): number;
  /** Answers without end that are being read now. */
  endless(): number;
  secretText(name: string): string;
  replaceSecret(name: string, text: string): void;
  makeReplica(name: string, primaryRegion: string): void;
  /** The operations themselves, without HTTP, in AWS's words. */
  readonly secrets: Record<
    'CreateSecret' | 'PutSecretValue' | 'DeleteSecret' | 'DescribeSecret' | 'RestoreSecret',
    (input: object) => Record<string, unknown>
  >;
  readonly kms: Record<
    'CreateKey' | 'CreateAlias' | 'DisableKey' | 'EnableKey' | 'ScheduleKeyDeletion' | 'Encrypt',
    (input: object) => Record<string, unknown>
  >;
  close(): Promise<void>;
}

/** On 127.0.0.1, on a port of its own. `POST /_control` takes `{ fail, heal, advance, lie, replace }` as JSON; `GET` tells. */
export function startAwsServer(options?: { readonly region?: string; readonly port?: number }): Promise<AwsServer>;
