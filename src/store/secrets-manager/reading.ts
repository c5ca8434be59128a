import { JwtrotError } from '../../keyset/basics/error.js';
import { awsMessage, awsName } from '../../outside/aws-error.js';
import type { SecretsApi } from './api.js';

/** What lies under a secret's name. */
export type Reading =
  | { readonly state: 'value'; readonly text: string; readonly version: string }
  | { readonly state: 'absent' }
  /** Scheduled for deletion. */
  | { readonly state: 'deleted' }
  /** The secret exists without a version, as Terraform makes it: CreateSecret without a value. */
  | { readonly state: 'empty' };

export function isAbsence(error: unknown): boolean {
  return awsName(error) === 'ResourceNotFoundException';
}

/** AWS: "You can't perform this operation on the secret because it was marked for deletion." */
export function isDeleted(error: unknown): boolean {
  return awsName(error) === 'InvalidRequestException' && /delet/i.test(awsMessage(error));
}

/** Reads AWSCURRENT. AWS gives the same answer for no secret and for one without versions, so it may ask twice. */
export async function readSecret(api: SecretsApi, name: string): Promise<Reading> {
  try {
    return await readValue(api, name);
  } catch (error) {
    if (isDeleted(error)) return { state: 'deleted' };
    if (!isAbsence(error)) throw error;
  }
  try {
    const { deletedAt, hasCurrent } = await api.describe(name);
    if (deletedAt !== null) return { state: 'deleted' };
    // With a current version: it was created between the two calls.
    return hasCurrent ? await readValue(api, name) : { state: 'empty' };
  } catch (error) {
    if (isDeleted(error)) return { state: 'deleted' };
    if (isAbsence(error)) return { state: 'absent' };
    throw error;
  }
}

async function readValue(api: SecretsApi, name: string): Promise<Reading> {
  const { text, version } = await api.get(name);
  // A binary value is not ours: the decoders report it as damaged.
  return { state: 'value', text: text ?? '', version };
}

export function deletedError(name: string, cause?: unknown): JwtrotError {
  return new JwtrotError(
    'store',
    'secret-deleted',
    `secret ${name} is scheduled for deletion, so it can be neither read nor written; nothing was changed`,
    { hint: `aws secretsmanager restore-secret --secret-id ${name}`, cause },
  );
}

export function emptyError(name: string): JwtrotError {
  return new JwtrotError(
    'store',
    'secret-empty',
    `secret ${name} exists but holds no value, so it was not made by jwtrot; nothing was changed`,
    { hint: `aws secretsmanager delete-secret --secret-id ${name} --force-delete-without-recovery` },
  );
}

/** AWS: "Operation not permitted on a replica secret. Call must be made in primary secret's region." */
export async function whyNotWritable(api: SecretsApi, name: string, error: unknown): Promise<unknown> {
  if (awsName(error) !== 'InvalidRequestException') return error;
  if (isDeleted(error)) return deletedError(name, error);
  const { primaryRegion, region, deletedAt } = await api.describe(name);
  if (deletedAt !== null) return deletedError(name, error);
  if (primaryRegion === null || primaryRegion === region) return error;
  return new JwtrotError(
    'store',
    'secret-replica',
    `secret ${name} in ${region} is a replica of the one in ${primaryRegion}, so it can't be written; nothing was changed`,
    {
      hint: `set AWS_REGION=${primaryRegion}, or make it a secret of its own: aws secretsmanager stop-replication-to-replica --secret-id ${name} --region ${region}`,
      cause: error,
    },
  );
}
