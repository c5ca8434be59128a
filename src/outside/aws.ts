import type { Clock, Duration } from '../keyset/basics/clock.js';
import { SECOND } from '../keyset/basics/clock.js';

/** Time limits for AWS, and the number of attempts. */
export interface AwsLimits {
  /** For one connection attempt. */
  readonly connection: Duration;
  /** For one request and its reply. */
  readonly request: Duration;
  /** Requests per call, the first included. */
  readonly attempts: number;
  /** For one method of a store or wrapper, including credentials and retries. */
  readonly method: Duration;
  /** The part of `method` that is reserved for finding out whether a commit took effect. */
  readonly settle: Duration;
}

export const AWS_LIMITS: AwsLimits = {
  connection: 3 * SECOND,
  request: 5 * SECOND,
  attempts: 3,
  method: 20 * SECOND,
  settle: 5 * SECOND,
};

/** Settings of both AWS clients. */
export interface AwsSettings {
  /** Only the region is read from here. The SDK reads credentials and endpoints from the process's own environment. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  /** Overrides the environment's. */
  readonly region?: string;
  /** Default: the SDK's chain, `AWS_ENDPOINT_URL*` included. */
  readonly endpoint?: string;
  /** Default: the SDK's chain (environment, profile, container, instance). */
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string };
  /** Default: `AWS_LIMITS`. */
  readonly limits?: Partial<AwsLimits>;
}

/** @returns the configured region; undefined leaves it to the SDK's chain (the profile) */
export function regionOf({ region, env }: Pick<AwsSettings, 'region' | 'env'>): string | undefined {
  // Unlike the AWS CLI and most SDKs, the one for JavaScript does not read AWS_DEFAULT_REGION.
  return region || env['AWS_REGION'] || env['AWS_DEFAULT_REGION'] || undefined;
}

export function limitsOf(settings: Pick<AwsSettings, 'limits'>): AwsLimits {
  return { ...AWS_LIMITS, ...settings.limits };
}

/** The constructor options of an AWS client. */
export function clientSettings(settings: AwsSettings) {
  const limits = limitsOf(settings);
  const region = regionOf(settings);
  return {
    ...(region === undefined ? {} : { region }),
    ...(settings.endpoint === undefined ? {} : { endpoint: settings.endpoint }),
    ...(settings.credentials === undefined ? {} : { credentials: settings.credentials }),
    maxAttempts: limits.attempts,
    retryMode: 'standard',
    requestHandler: {
      connectionTimeout: limits.connection,
      requestTimeout: limits.request,
      // Otherwise the SDK only warns.
      throwOnRequestTimeout: true,
    },
  };
}

/** The time limit has passed. The call may still take effect. */
export class TimeLimitError extends Error {
  override readonly name = 'TimeoutError';
}

/**
 * Runs `work` and gives up after `limit`, or when `givenUp` aborts. It does not wait for `work` to react: the SDK ignores
 * its signal while it looks for credentials or waits before a retry.
 * @throws TimeLimitError after `limit`; the reason of `givenUp` when that aborts
 */
export async function within<T>(
  clock: Clock,
  limit: Duration,
  work: (signal: AbortSignal) => Promise<T>,
  givenUp?: AbortSignal,
): Promise<T> {
  givenUp?.throwIfAborted();
  const over = new AbortController();
  const done = new AbortController();
  const stopped = givenUp === undefined ? done.signal : AbortSignal.any([done.signal, givenUp]);
  const timer = clock
    .sleep(limit, stopped)
    .then(() => {
      throw new TimeLimitError(`no answer within ${limit / SECOND} s`);
    })
    .catch((error: unknown): never => {
      if (!done.signal.aborted) over.abort(error);
      throw error;
    });
  try {
    return await Promise.race([work(over.signal), timer]);
  } finally {
    done.abort();
  }
}
