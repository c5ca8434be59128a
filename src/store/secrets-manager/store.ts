import { MINUTE } from '../../keyset/basics/clock.js';
import { decodeForReading, decodeManifest } from '../../keyset/manifest/encoding.js';
import type { PublicJwk } from '../../keyset/manifest/key.js';
import { type AwsSettings, limitsOf, regionOf, TimeLimitError, within } from '../../outside/aws.js';
import { awsError } from '../../outside/aws-error.js';
import { readerOf } from '../reader.js';
import type { Store } from '../store.js';
import type { Connection } from './client.js';
import { ClockOffset } from './clock-offset.js';
import { commitManifest } from './commit.js';
import { deleteKey, getKey, isKeyGone, putKey } from './keys.js';
import { holdsKeys, listKeys, listKeysets } from './listing.js';
import { homeElsewhere, readManifest, salvage } from './manifests.js';
import { manifestName } from './names.js';
import type { Session } from './session.js';

export interface SecretsManagerOptions extends AwsSettings {
  /** Precedes every name; has no slash at its end: `jwtrot`. */
  readonly prefix: string;
  /** RFC 7638, SHA-256, base64url. */
  readonly thumbprintOf: (jwk: PublicJwk) => Promise<string>;
  /** It only reads: what a later jwtrot added to a manifest is ignored. */
  readonly reads?: boolean;
}

/**
 * A store in AWS Secrets Manager. The manifest is the secret `<prefix>/<keyset>`, a key is
 * `<prefix>/<keyset>/<thumbprint>/private`. Before the first call it makes no request and does not load the SDK.
 */
export function createSecretsManagerStore(options: SecretsManagerOptions): Store {
  const { prefix, clock, thumbprintOf, reads = false } = options;
  const limits = limitsOf(options);
  const region = regionOf(options);
  const offset = new ClockOffset(clock);
  let connection: Promise<Connection> | null = null;
  const sessionUntil = (givenUp?: AbortSignal): Session => ({
    prefix,
    clock,
    limits,
    decode: (text, keyset, where) => decodeManifest(text, keyset, where, thumbprintOf),
    async read(text, keyset, where) {
      if (!reads) return { manifest: await decodeManifest(text, keyset, where, thumbprintOf) };
      const { manifest, isWhole } = await decodeForReading(text, keyset, where, thumbprintOf);
      return isWhole ? { manifest } : { manifest, isPartial: true };
    },
    async run(call, limit, work) {
      connection ??= import('./client.js').then((client) => client.connect(options, offset));
      const { api } = await connection;
      try {
        return await within(clock, limit, (signal) => work(api(signal), signal), givenUp);
      } catch (error) {
        throw error instanceof TimeLimitError ? awsError(error, { service: 'Secrets Manager', ...call }) : error;
      }
    },
  });
  const reading = (keyset: string) => ({ operation: 'GetSecretValue', resource: manifestName(prefix, keyset) });
  const storeOf = (session: Session): Store => ({
    description: `Secrets Manager ${prefix}/${region === undefined ? '' : ` in ${region}`}`,
    // AWS keeps about 100 versions, and removes none younger than 24 h. The remaining 40 are for incidents.
    commitsPerDay: 60,
    // AWS calls all operations "eventually consistent", and does not say for how long.
    lag: MINUTE,
    homeElsewhere: (keyset) => homeElsewhere(session, keyset),
    clockOffset: () => offset.newest,
    listKeysets: () => listKeysets(session),
    readManifest: (keyset) => session.run(reading(keyset), limits.method, (api) => readManifest(session, api, keyset)),
    salvage: (keyset) => session.run(reading(keyset), limits.method, (api) => salvage(session, api, keyset)),
    commitManifest: (manifest, base) => commitManifest(session, manifest, base),
    putKey: (keyset, thumbprint, key) => putKey(session, keyset, thumbprint, key),
    getKey: (keyset, thumbprint) => getKey(session, keyset, thumbprint),
    deleteKey: (keyset, thumbprint, how) => deleteKey(session, keyset, thumbprint, how),
    isKeyGone: (keyset, thumbprint) => isKeyGone(session, keyset, thumbprint),
    listKeys: (keyset) => listKeys(session, keyset),
    holdsKeys: () => holdsKeys(session),
    until: (givenUp) => storeOf(sessionUntil(givenUp)),
    close() {
      connection?.then((open) => open.close()).catch(() => undefined);
      connection = null;
    },
  });
  return reads ? readerOf(storeOf(sessionUntil())) : storeOf(sessionUntil());
}
