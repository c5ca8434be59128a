import { decodeManifest } from '../../keyset/manifest.js';
import type { PublicJwk } from '../../keyset/model.js';
import { type AwsSettings, limitsOf, regionOf, TimeLimitError, within } from '../../outside/aws.js';
import { awsError } from '../../outside/aws-error.js';
import type { Store } from '../store.js';
import type { Connection } from './client.js';
import { ClockOffset } from './clock-offset.js';
import { commitManifest } from './commit.js';
import { deleteKey, getKey, isKeyGone, putKey } from './keys.js';
import { holdsKeys, listKeysets } from './listing.js';
import { readManifest } from './manifests.js';
import { manifestName } from './names.js';
import type { Session } from './session.js';

export interface SecretsManagerOptions extends AwsSettings {
  /** Before every name, without a slash at its end: `jwtrot`. */
  readonly prefix: string;
  /** RFC 7638, SHA-256, base64url. */
  readonly thumbprintOf: (jwk: PublicJwk) => Promise<string>;
}

/**
 * A store in AWS Secrets Manager: the manifest is the secret `<prefix>/<keyset>`, a key
 * `<prefix>/<keyset>/<thumbprint>/private`. No request is made, and the SDK is not loaded, before the first call.
 */
export function createSecretsManagerStore(options: SecretsManagerOptions): Store {
  const { prefix, clock } = options;
  const limits = limitsOf(options);
  const region = regionOf(options);
  const offset = new ClockOffset(clock);
  let connection: Promise<Connection> | null = null;
  const session: Session = {
    prefix,
    clock,
    limits,
    decode: (text, keyset, where) => decodeManifest(text, keyset, where, options.thumbprintOf),
    async run(call, limit, work) {
      connection ??= import('./client.js').then((client) => client.connect(options, offset));
      const { api } = await connection;
      try {
        return await within(clock, limit, (signal) => work(api(signal), signal));
      } catch (error) {
        throw error instanceof TimeLimitError ? awsError(error, { service: 'Secrets Manager', ...call }) : error;
      }
    },
  };
  return {
    description: `Secrets Manager ${prefix}/${region === undefined ? '' : ` in ${region}`}`,
    // About 100 versions are kept, and none under 24 h old goes: the rest is for incidents.
    commitsPerDay: 60,
    clockOffset: () => offset.newest,
    listKeysets: () => listKeysets(session),
    readManifest: (keyset) => {
      const call = { operation: 'GetSecretValue', resource: manifestName(prefix, keyset) };
      return session.run(call, limits.method, (api) => readManifest(session, api, keyset));
    },
    commitManifest: (manifest, base) => commitManifest(session, manifest, base),
    putKey: (keyset, thumbprint, key) => putKey(session, keyset, thumbprint, key),
    getKey: (keyset, thumbprint) => getKey(session, keyset, thumbprint),
    deleteKey: (keyset, thumbprint, how) => deleteKey(session, keyset, thumbprint, how),
    isKeyGone: (keyset, thumbprint) => isKeyGone(session, keyset, thumbprint),
    holdsKeys: () => holdsKeys(session),
    close() {
      connection?.then((open) => open.close()).catch(() => undefined);
      connection = null;
    },
  };
}
