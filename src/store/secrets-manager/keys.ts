import type { Instant } from '../../keyset/clock.js';
import { DAY } from '../../keyset/clock.js';
import { JwtrotError } from '../../keyset/error.js';
import type { WrappedKey } from '../../keyset/wrapped-key.js';
import { awsName, isDefinite } from '../../outside/aws-error.js';
import type { DeleteOptions } from '../store.js';
import type { SecretsApi } from './api.js';
import { decodeKey, encodeKey } from './key-secret.js';
import { keyName, tokenOf } from './names.js';
import { deletedError, emptyError, isAbsence, isDeleted, readSecret, whyNotWritable } from './reading.js';
import type { Session } from './session.js';

export async function putKey(session: Session, keyset: string, thumbprint: string, key: WrappedKey): Promise<void> {
  const name = keyName(session.prefix, keyset, thumbprint);
  const text = encodeKey({ keyset, thumbprint }, key);
  const call = { operation: 'CreateSecret', resource: name, otherwise: 'it may have been created' };
  await session.run(call, session.limits.method, async (api) => {
    try {
      await api.create(name, text, tokenOf(name, text), `jwtrot: wrapped private key of keyset ${keyset}`);
    } catch (error) {
      return confirmKey(api, name, text, error);
    }
    // A repetition is success to AWS; whether also when the deletion was ordered since is not documented.
    const there = await api.describe(name).catch(() => null);
    if (there !== null && there.deletedAt !== null) throw deletedError(name);
  });
}

/** After an error: is this very text there? */
async function confirmKey(api: SecretsApi, name: string, text: string, error: unknown): Promise<void> {
  const mayBeThere = ['ResourceExistsException', 'InvalidRequestException'].includes(awsName(error));
  if (isDefinite(error) && !mayBeThere) throw error;
  const reading = await readSecret(api, name).catch(() => null);
  if (reading?.state === 'value' && reading.text === text) return;
  if (reading?.state === 'value') throw otherKeyError(name, error);
  if (reading?.state === 'deleted') throw deletedError(name, error);
  if (reading?.state === 'empty') throw emptyError(name);
  throw error;
}

function otherKeyError(name: string, cause: unknown): JwtrotError {
  return new JwtrotError(
    'refused',
    'key-exists',
    `secret ${name} already holds another ciphertext; it was left as it is`,
    { hint: `look who wrote it: aws secretsmanager describe-secret --secret-id ${name}`, cause },
  );
}

export async function getKey(session: Session, keyset: string, thumbprint: string): Promise<WrappedKey | null> {
  const name = keyName(session.prefix, keyset, thumbprint);
  const call = { operation: 'GetSecretValue', resource: name };
  const reading = await session.run(call, session.limits.method, (api) => readSecret(api, name));
  return reading.state === 'value' ? decodeKey({ keyset, thumbprint }, reading.text, name) : null;
}

export async function deleteKey(
  session: Session,
  keyset: string,
  thumbprint: string,
  { purge, recoveryWindowDays }: DeleteOptions,
): Promise<Instant> {
  const name = keyName(session.prefix, keyset, thumbprint);
  const call = { operation: 'DeleteSecret', resource: name, otherwise: 'its deletion may have been ordered' };
  return session.run(call, session.limits.method, async (api) => {
    const later = () => session.clock.now() + recoveryWindowDays * DAY;
    try {
      const deletionDate = await api.remove(name, purge ? null : recoveryWindowDays);
      return purge ? session.clock.now() : (deletionDate ?? later());
    } catch (error) {
      if (isAbsence(error)) return session.clock.now();
      if (!isDeleted(error)) throw await whyNotWritable(api, name, error);
      // Ordered before. What DescribeSecret answers may be the day of the order or the day of the end.
      const { deletedAt } = await api.describe(name);
      return deletedAt !== null && deletedAt > session.clock.now() ? deletedAt : later();
    }
  });
}

export async function isKeyGone(session: Session, keyset: string, thumbprint: string): Promise<boolean> {
  const name = keyName(session.prefix, keyset, thumbprint);
  return session.run({ operation: 'DescribeSecret', resource: name }, session.limits.method, async (api) => {
    try {
      await api.describe(name);
      return false;
    } catch (error) {
      if (isAbsence(error)) return true;
      throw error;
    }
  });
}
