import type { Configuration } from '../../config/configuration.js';
import { thumbprintOf } from '../../keys/thumbprint.js';
import { JwtrotError } from '../../keyset/basics/error.js';
import type { ContentsOptions } from '../../store/directory/contents.js';
import { type Kek, kekPlace } from '../../wrap/local.js';
import type { KekPlace } from '../../wrap/local-kek.js';
import type { Environment } from '../environment.js';
import type { Opened } from '../open.js';

/**
 * The store, if it is a directory: only such a store fits into one file.
 * @throws JwtrotError `other-store` (exit 2), which says what to use instead
 */
export function localStoreOf({ configuration }: Opened, { clock, uid }: Environment, verb: string): ContentsOptions {
  const { store } = configuration;
  if (store.type === 'directory') return { path: store.path, clock, uid, thumbprintOf };
  throw new JwtrotError(
    'usage',
    'other-store',
    `${verb} is for a store in a directory; this one is in Secrets Manager, which keeps its secrets itself; nothing was changed`,
    {
      hint: `a secret that was deleted: aws secretsmanager restore-secret --secret-id ${store.prefix}/KEYSET; after a restore of any kind: jwtrot store recover`,
    },
  );
}

/** Where the local KEK lies. @throws JwtrotError `kms-wrapped` (exit 2) */
function localKek({ wrap }: Configuration, { env }: Environment): Kek {
  if (wrap.type === 'local') {
    return 'file' in wrap.kek ? wrap.kek : { ...wrap.kek, directory: env['CREDENTIALS_DIRECTORY'] };
  }
  throw new JwtrotError(
    'usage',
    'kms-wrapped',
    `the KEK is ${wrap.keyId}, which never leaves KMS; nothing was changed`,
    {
      hint: 'leave --with-kek out, and protect that key from deletion: docs/aws.md',
    },
  );
}

export function localKekPlace(configuration: Configuration, environment: Environment): KekPlace {
  return kekPlace(localKek(configuration, environment), environment.uid);
}
