import type { Clock, Duration } from '../../keyset/clock.js';
import type { Manifest } from '../../keyset/model.js';
import type { AwsLimits } from '../../outside/aws.js';
import type { AwsCall } from '../../outside/aws-error.js';
import type { SecretsApi } from './api.js';

/** What every operation of the store works with. */
export interface Session {
  readonly prefix: string;
  readonly clock: Clock;
  readonly limits: AwsLimits;
  /** @throws JwtrotError kind `refused` when the text is no sound manifest of `keyset` */
  decode(text: string, keyset: string, where: string): Promise<Manifest>;
  /** Runs `work` within a time limit; `call` names it in the error if the time runs out. */
  run<T>(
    call: Pick<AwsCall, 'operation' | 'resource' | 'otherwise'>,
    limit: Duration,
    work: (api: SecretsApi, signal: AbortSignal) => Promise<T>,
  ): Promise<T>;
}
