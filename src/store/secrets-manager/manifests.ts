import { isDamaged } from '../../keyset/manifest/encoding.js';
import type { Manifest } from '../../keyset/manifest/model.js';
import { emptyManifest } from '../../keyset/transitions/staging.js';
import type { Salvage, Snapshot } from '../store.js';
import type { SecretsApi } from './api.js';
import { manifestName } from './names.js';
import { deletedError, emptyError, isAbsence, readSecret } from './reading.js';
import type { Session } from './session.js';

/** The newest manifest; null: there is none. */
export async function readManifest(session: Session, api: SecretsApi, keyset: string): Promise<Snapshot | null> {
  const name = manifestName(session.prefix, keyset);
  const reading = await readSecret(api, name);
  if (reading.state === 'absent') return null;
  if (reading.state === 'deleted') throw deletedError(name);
  if (reading.state === 'empty') throw emptyError(name);
  return { ...(await session.read(reading.text, keyset, `secret ${name}`)), version: reading.version };
}

/**
 * Goes back from a damaged manifest to the version that was AWSCURRENT before.
 * @returns null if the newest is not damaged
 */
export async function salvage(session: Session, api: SecretsApi, keyset: string): Promise<Salvage | null> {
  const name = manifestName(session.prefix, keyset);
  const reading = await readSecret(api, name);
  if (reading.state !== 'value') return null;
  const decode = (text: string) => session.decode(text, keyset, `secret ${name}`);
  try {
    await decode(reading.text);
    return null;
  } catch (damage) {
    if (!isDamaged(damage)) throw damage;
    const manifest = (await previous(api, name, decode)) ?? emptyManifest(keyset);
    return { damage, base: { manifest, version: reading.version }, revision: manifest.revision };
  }
}

async function previous(
  api: SecretsApi,
  name: string,
  decode: (text: string) => Promise<Manifest>,
): Promise<Manifest | null> {
  try {
    const { text } = await api.get(name, 'AWSPREVIOUS');
    return await decode(text ?? '');
  } catch (error) {
    if (isAbsence(error) || isDamaged(error)) return null;
    throw error;
  }
}

/** The region of the primary secret, if this one is a replica; null: it is not a replica, or there is no secret. */
export async function homeElsewhere(session: Session, keyset: string): Promise<string | null> {
  const name = manifestName(session.prefix, keyset);
  return session.run({ operation: 'DescribeSecret', resource: name }, session.limits.method, async (api) => {
    try {
      const { primaryRegion, region } = await api.describe(name);
      return primaryRegion === region ? null : primaryRegion;
    } catch (error) {
      if (isAbsence(error)) return null;
      throw error;
    }
  });
}
