import type { Clock, Duration } from '../keyset/clock.js';
import { SECOND } from '../keyset/clock.js';

/** How long AWS may take, and how often the SDK tries. */
export interface AwsLimits {
  /** To connect, once. */
  readonly connection: Duration;
  /** For one request and its reply. */
  readonly request: Duration;
  /** Requests per call, the first included. */
  readonly attempts: number;
  /** For one method of a store or wrapper, whatever happens inside (credentials and retries included). */
  readonly method: Duration;
  /** The end of `method` that is kept to find out whether a commit took effect. */
  readonly settle: Duration;
}

export const AWS_LIMITS: AwsLimits = {
  connection: 3 * SECOND,
  request: 5 * SECOND,
  attempts: 3,
  method: 20 * SECOND,
  settle: 5 * SECOND,
};

/** What both AWS clients are made from. */
export interface AwsSettings {
  /** Where the region is looked for. The SDK reads credentials and endpoints from the process's own environment. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  /** Comes before the environment's. */
  readonly region?: string;
  /** Default: the SDK's chain, `AWS_ENDPOINT_URL*` included. */
  readonly endpoint?: string;
  /** Default: the SDK's chain (environment, profile, container, instance). */
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string };
  /** Default: `AWS_LIMITS`. */
  readonly limits?: Partial<AwsLimits>;
}

/** The region that is asked for; undefined leaves it to the SDK's chain (the profile). */
export function regionOf({ region, env }: Pick<AwsSettings, 'region' | 'env'>): string | undefined {
  // The SDK for JavaScript does not read AWS_DEFAULT_REGION, which the AWS CLI and most others do.
  return region || env['AWS_REGION'] || env['AWS_DEFAULT_REGION'] || undefined;
}

export function limitsOf(settings: Pick<AwsSettings, 'limits'>): AwsLimits {
  return { ...AWS_LIMITS, ...settings.limits };
}

/** The configuration that an AWS client takes. */
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
      // Without it the SDK only warns.
      throwOnRequestTimeout: true,
    },
  };
}

/** The time limit passed; what was under way may still take effect. */
export class TimeLimitError extends Error {
  override readonly name = 'TimeoutError';
}

/**
 * Runs `work` and gives up after `limit`. The SDK heeds its signal while a request is under way, but not while it looks
 * for credentials or waits before a retry, so the wait for it ends by itself.
 * @throws TimeLimitError
 */
export async function within<T>(clock: Clock, limit: Duration, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const over = new AbortController();
  const done = new AbortController();
  const timer = clock.sleep(limit, done.signal).then((): never => {
    const error = new TimeLimitError(`no answer within ${limit / SECOND} s`);
    over.abort(error);
    throw error;
  });
  try {
    return await Promise.race([work(over.signal), timer]);
  } finally {
    done.abort();
  }
}
