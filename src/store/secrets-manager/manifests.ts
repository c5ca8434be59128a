import type { Snapshot } from '../store.js';
import type { SecretsApi } from './api.js';
import { manifestName } from './names.js';
import { deletedError, emptyError, readSecret } from './reading.js';
import type { Session } from './session.js';

/** The newest manifest; null when there is none. */
export async function readManifest(session: Session, api: SecretsApi, keyset: string): Promise<Snapshot | null> {
  const name = manifestName(session.prefix, keyset);
  const reading = await readSecret(api, name);
  if (reading.state === 'absent') return null;
  if (reading.state === 'deleted') throw deletedError(name);
  if (reading.state === 'empty') throw emptyError(name);
  return { manifest: await session.decode(reading.text, keyset, `secret ${name}`), version: reading.version };
}
