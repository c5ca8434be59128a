import type { Clock, Duration } from '../../keyset/basics/clock.js';
import type { Manifest } from '../../keyset/manifest/model.js';
import type { AwsLimits } from '../../outside/aws.js';
import type { AwsCall } from '../../outside/aws-error.js';
import type { Snapshot } from '../store.js';
import type { SecretsApi } from './api.js';

/** What every operation of the store needs. */
export interface Session {
  readonly prefix: string;
  readonly clock: Clock;
  readonly limits: AwsLimits;
  /** @throws JwtrotError kind `refused` if the text is not a sound manifest of `keyset` */
  decode(text: string, keyset: string, where: string): Promise<Manifest>;
  /** The newest manifest as this store reads it: one that only reads ignores what a later jwtrot added. */
  read(text: string, keyset: string, where: string): Promise<Pick<Snapshot, 'manifest' | 'isPartial'>>;
  /** Runs `work` within a time limit. If time runs out, the error names `call`. */
  run<T>(
    call: Pick<AwsCall, 'operation' | 'resource' | 'otherwise'>,
    limit: Duration,
    work: (api: SecretsApi, signal: AbortSignal) => Promise<T>,
  ): Promise<T>;
}
