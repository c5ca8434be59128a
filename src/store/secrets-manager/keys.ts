import type { Instant } from '../../keyset/basics/clock.js';
import { DAY } from '../../keyset/basics/clock.js';
import type { JwtrotError } from '../../keyset/basics/error.js';
import type { WrappedKey } from '../../keyset/manifest/wrapped-key.js';
import { awsName, isDefinite } from '../../outside/aws-error.js';
import { keyDeleted, keyExists } from '../key-errors.js';
import type { DeleteOptions } from '../store.js';
import { decodeKey, encodeKey } from '../wrapped-key-record.js';
import type { SecretsApi } from './api.js';
import { keyName, tokenOf } from './names.js';
import { emptyError, isAbsence, isDeleted, readSecret, whyNotWritable } from './reading.js';
import type { Session } from './session.js';

export async function putKey(
  session: Session,
  keyset: string,
  thumbprint: string,
  key: WrappedKey,
): Promise<{ inDoubt: boolean }> {
  const name = keyName(session.prefix, keyset, thumbprint);
  const text = encodeKey({ keyset, thumbprint }, key);
  const call = { operation: 'CreateSecret', resource: name, otherwise: 'it may have been created' };
  return session.run(call, session.limits.method, async (api) => {
    let isAnswered: boolean;
    try {
      isAnswered = await api.create(name, text, tokenOf(name, text), `jwtrot: wrapped private key of keyset ${keyset}`);
    } catch (error) {
      await confirmKey(api, name, text, error);
      return { inDoubt: !isDefinite(error) };
    }
    // AWS accepts a repetition. Whether it does so after a deletion was ordered is not documented.
    const there = await api.describe(name).catch(() => null);
    if (there !== null && there.deletedAt !== null) throw deleted(name);
    return { inDoubt: !isAnswered };
  });
}

/** After an error: returns if this very text is there after all. @throws otherwise */
async function confirmKey(api: SecretsApi, name: string, text: string, error: unknown): Promise<void> {
  const mayBeThere = ['ResourceExistsException', 'InvalidRequestException'].includes(awsName(error));
  if (isDefinite(error) && !mayBeThere) throw error;
  const reading = await readSecret(api, name).catch(() => null);
  if (reading?.state === 'value' && reading.text === text) return;
  if (reading?.state === 'value')
    throw keyExists(`secret ${name}`, `aws secretsmanager describe-secret --secret-id ${name}`, error);
  if (reading?.state === 'deleted') throw deleted(name, error);
  if (reading?.state === 'empty') throw emptyError(name);
  throw error;
}

function deleted(name: string, cause?: unknown): JwtrotError {
  return keyDeleted(`secret ${name}`, `aws secretsmanager restore-secret --secret-id ${name}`, cause);
}

export async function getKey(session: Session, keyset: string, thumbprint: string): Promise<WrappedKey | null> {
  const name = keyName(session.prefix, keyset, thumbprint);
  const call = { operation: 'GetSecretValue', resource: name };
  const reading = await session.run(call, session.limits.method, (api) => readSecret(api, name));
  return reading.state === 'value' ? decodeKey({ keyset, thumbprint }, reading.text, `secret ${name}`) : null;
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
      // It was ordered before. DescribeSecret may answer with the day of the order, or with the day of the deletion.
      const { deletedAt } = await api.describe(name);
      return deletedAt !== null && deletedAt > session.clock.now() ? deletedAt : later();
    }
  });
}

/** Whether the key's deletion was ordered; null: there is no such secret. */
export async function isKeyDeleted(session: Session, keyset: string, thumbprint: string): Promise<boolean | null> {
  const name = keyName(session.prefix, keyset, thumbprint);
  return session.run({ operation: 'DescribeSecret', resource: name }, session.limits.method, async (api) => {
    try {
      return (await api.describe(name)).deletedAt !== null;
    } catch (error) {
      if (isAbsence(error)) return null;
      throw error;
    }
  });
}

export async function isKeyGone(session: Session, keyset: string, thumbprint: string): Promise<boolean> {
  return (await isKeyDeleted(session, keyset, thumbprint)) === null;
}
