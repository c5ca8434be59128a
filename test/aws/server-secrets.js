// Secrets Manager, as strict as its documentation (docs.aws.amazon.com/secretsmanager/latest/apireference).
import { randomBytes } from 'node:crypto';
import { AwsFailure } from './server-failure.js';
import { addVersion, checkValue, holderOf, moveStage } from './server-versions.js';

const DAY = 24 * 60 * 60 * 1000;
const CURRENT = 'AWSCURRENT';
const NAME = /^[A-Za-z0-9/_+=.@-]{1,512}$/;
const STAGE = /^.{1,256}$/;

const invalid = (message) => new AwsFailure('InvalidParameterException', message);
const notFound = (what = 'the specified secret') =>
  new AwsFailure('ResourceNotFoundException', `Secrets Manager can't find ${what}.`);
const wrongState = (message) => new AwsFailure('InvalidRequestException', message);
const MARKED = "You can't perform this operation on the secret because it was marked for deletion.";

export class Secrets {
  /** @param {{ region: string, now: () => number }} world */
  constructor(world) {
    this.world = world;
    /** Name to secret; an insertion-ordered record that `structuredClone` copies. */
    this.secrets = new Map();
  }

  /** The secret under a name or ARN; `deleted` says whether one that is scheduled for deletion will do. */
  find(id, { deleted = false, replica = true } = {}) {
    if (typeof id !== 'string' || id === '') throw invalid('SecretId must have length greater than or equal to 1');
    this.expire();
    const secret = this.secrets.get(id) ?? [...this.secrets.values()].find((one) => one.arn === id);
    if (secret === undefined) throw notFound();
    if (secret.deletionDate !== null && !deleted) throw wrongState(MARKED);
    if (!replica && secret.primaryRegion !== null && secret.primaryRegion !== this.world.region) {
      throw wrongState("Operation not permitted on a replica secret. Call must be made in primary secret's region.");
    }
    return secret;
  }

  expire() {
    for (const [name, { deletionDate }] of this.secrets) {
      if (deletionDate !== null && deletionDate <= this.world.now()) this.secrets.delete(name);
    }
  }

  CreateSecret({ Name, SecretString, ClientRequestToken, Description = '', ForceOverwriteReplicaSecret: _ }) {
    if (!NAME.test(Name ?? '')) throw new AwsFailure('ValidationException', 'Invalid name. Must be a valid name.');
    checkValue(SecretString, ClientRequestToken);
    this.expire();
    const there = this.secrets.get(Name);
    if (there !== undefined) {
      if (there.deletionDate !== null) {
        throw wrongState(
          "You can't create this secret because a secret with this name is already scheduled for deletion.",
        );
      }
      const version = there.versions.get(ClientRequestToken);
      if (version === undefined || version.text !== SecretString) {
        throw new AwsFailure(
          'ResourceExistsException',
          `The operation failed because the secret ${Name} already exists.`,
        );
      }
      return { ARN: there.arn, Name, VersionId: ClientRequestToken };
    }
    const suffix = randomBytes(6).toString('base64url').replace(/[-_]/g, 'x').slice(0, 6);
    const arn = `arn:aws:secretsmanager:${this.world.region}:111122223333:secret:${Name}-${suffix}`;
    const secret = {
      name: Name,
      arn,
      description: Description,
      versions: new Map(),
      deletionDate: null,
      primaryRegion: null,
    };
    this.secrets.set(Name, secret);
    if (SecretString === undefined) return { ARN: arn, Name };
    const id = addVersion(secret, SecretString, ClientRequestToken, [CURRENT], this.world.now());
    return { ARN: arn, Name, VersionId: id };
  }

  PutSecretValue({ SecretId, SecretString, ClientRequestToken, VersionStages = [CURRENT] }) {
    const secret = this.find(SecretId, { replica: false });
    if (SecretString === undefined) throw invalid('You must provide either SecretString or SecretBinary.');
    checkValue(SecretString, ClientRequestToken);
    if (VersionStages.length === 0 || VersionStages.length > 20 || !VersionStages.every((one) => STAGE.test(one))) {
      throw invalid('VersionStages must hold 1 to 20 labels');
    }
    const there = secret.versions.get(ClientRequestToken);
    if (there !== undefined && there.text !== SecretString) {
      throw new AwsFailure(
        'ResourceExistsException',
        `You can't use ClientRequestToken ${ClientRequestToken} because that value is already in use for a version of secret ${secret.arn}.`,
      );
    }
    if (there === undefined) addVersion(secret, SecretString, ClientRequestToken, VersionStages, this.world.now());
    const stages = [...secret.versions.get(ClientRequestToken).stages];
    return { ARN: secret.arn, Name: secret.name, VersionId: ClientRequestToken, VersionStages: stages };
  }

  UpdateSecretVersionStage({ SecretId, VersionStage, RemoveFromVersionId, MoveToVersionId }) {
    const secret = this.find(SecretId, { replica: false });
    if (!STAGE.test(VersionStage ?? '')) throw invalid('VersionStage is missing');
    for (const id of [RemoveFromVersionId, MoveToVersionId]) {
      if (id !== undefined && !secret.versions.has(id)) throw notFound(`the specified secret version: ${id}`);
    }
    const holder = holderOf(secret, VersionStage);
    if (MoveToVersionId === undefined && VersionStage === CURRENT) {
      throw invalid(
        'You can only move staging label AWSCURRENT to a different secret version. It can’t be completely removed.',
      );
    }
    if (
      holder === undefined ? RemoveFromVersionId !== undefined : holder !== RemoveFromVersionId && holder !== undefined
    ) {
      throw invalid(
        holder === undefined
          ? `The parameter RemoveFromVersionId can't be used: staging label ${VersionStage} is not attached.`
          : `The parameter RemoveFromVersionId can't be empty or another. Staging label ${VersionStage} is currently attached to version ${holder}, so you must explicitly reference that version in RemoveFromVersionId.`,
      );
    }
    if (MoveToVersionId === undefined) secret.versions.get(RemoveFromVersionId).stages.delete(VersionStage);
    else moveStage(secret, VersionStage, MoveToVersionId);
    return { ARN: secret.arn, Name: secret.name };
  }

  GetSecretValue({ SecretId, VersionStage, VersionId }) {
    const secret = this.find(SecretId);
    const stage = VersionStage ?? (VersionId === undefined ? CURRENT : undefined);
    const id = stage === undefined ? VersionId : holderOf(secret, stage);
    const version = secret.versions.get(id);
    if (version === undefined) {
      throw notFound(
        `the specified secret value for ${stage === undefined ? 'VersionId' : 'staging label'}: ${stage ?? VersionId}`,
      );
    }
    if (VersionId !== undefined && VersionId !== id) throw wrongState('VersionId and VersionStage name two versions');
    const { createdAt, stages, text } = version;
    return {
      ARN: secret.arn,
      Name: secret.name,
      VersionId: id,
      SecretString: text,
      VersionStages: [...stages],
      CreatedDate: createdAt / 1000,
    };
  }

  DescribeSecret({ SecretId }) {
    const secret = this.find(SecretId, { deleted: true });
    const stages = [...secret.versions].filter(([, version]) => version.stages.size > 0);
    return {
      ...entry(secret),
      VersionIdsToStages: Object.fromEntries(stages.map(([id, version]) => [id, [...version.stages]])),
    };
  }

  DeleteSecret({ SecretId, RecoveryWindowInDays, ForceDeleteWithoutRecovery = false }) {
    if (RecoveryWindowInDays !== undefined && ForceDeleteWithoutRecovery) {
      throw invalid("You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.");
    }
    const days = RecoveryWindowInDays ?? 30;
    if (!(days >= 7 && days <= 30)) throw invalid('RecoveryWindowInDays must be between 7 and 30 days (inclusive).');
    const secret = this.find(SecretId, { deleted: ForceDeleteWithoutRecovery, replica: false });
    const deletionDate = this.world.now() + (ForceDeleteWithoutRecovery ? 0 : days * DAY);
    if (ForceDeleteWithoutRecovery) this.secrets.delete(secret.name);
    else secret.deletionDate = deletionDate;
    return { ARN: secret.arn, Name: secret.name, DeletionDate: deletionDate / 1000 };
  }

  RestoreSecret({ SecretId }) {
    const secret = this.find(SecretId, { deleted: true });
    secret.deletionDate = null;
    return { ARN: secret.arn, Name: secret.name };
  }

  ListSecrets({ Filters = [], MaxResults = 100, NextToken, IncludePlannedDeletion = false }) {
    if (!(MaxResults >= 1 && MaxResults <= 100)) throw invalid('MaxResults must be between 1 and 100');
    this.expire();
    const starts = Filters.filter(({ Key }) => Key === 'name').flatMap(({ Values }) => Values);
    const all = [...this.secrets.values()].filter(
      ({ name, deletionDate }) =>
        (deletionDate === null || IncludePlannedDeletion) &&
        (starts.length === 0 || starts.some((start) => name.startsWith(start))),
    );
    const from = NextToken === undefined ? 0 : Number(NextToken);
    if (!Number.isInteger(from)) throw new AwsFailure('InvalidNextTokenException', 'The NextToken is invalid.');
    const to = from + MaxResults;
    return { SecretList: all.slice(from, to).map(entry), ...(to < all.length ? { NextToken: String(to) } : {}) };
  }
}

function entry(secret) {
  const deleted = secret.deletionDate === null ? {} : { DeletedDate: secret.deletionDate / 1000 };
  const primary = secret.primaryRegion === null ? {} : { PrimaryRegion: secret.primaryRegion };
  return { ARN: secret.arn, Name: secret.name, Description: secret.description, ...deleted, ...primary };
}
