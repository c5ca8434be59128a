// KMS with symmetric keys: real AES-256-GCM, the encryption context as additional data.
import { createCipheriv, createDecipheriv, randomBytes, randomUUID } from 'node:crypto';
import { AwsFailure } from './server-failure.js';

const DAY = 24 * 60 * 60 * 1000;
const LARGEST = 4_096;
const ID_BYTES = 36;
const IV_BYTES = 12;
const TAG_BYTES = 16;

const validation = (message) => new AwsFailure('ValidationException', message);

/** Any order of members is the same context. */
function additionalData(context = {}) {
  for (const [name, value] of Object.entries(context)) {
    if (name === '' || value === '' || typeof value !== 'string')
      throw validation('an encryption context is of strings');
  }
  return Buffer.from(JSON.stringify(Object.entries(context).sort(([a], [b]) => (a < b ? -1 : 1))));
}

export class Kms {
  /** @param {{ region: string, now: () => number }} world */
  constructor(world) {
    this.world = world;
    this.keys = new Map();
    this.aliases = new Map();
  }

  find(id) {
    if (typeof id !== 'string' || id === '') throw validation('KeyId must have length greater than or equal to 1');
    const [, , , region, , resource] = id.startsWith('arn:') ? id.split(':') : [];
    if (region !== undefined && region !== this.world.region) {
      throw new AwsFailure('NotFoundException', `Invalid arn ${region}`);
    }
    const local = resource ?? id;
    const target = local.startsWith('alias/') ? this.aliases.get(local) : local.replace(/^key\//, '');
    const key = this.keys.get(target);
    if (key === undefined) {
      const what = local.startsWith('alias/') ? 'Alias' : 'Key';
      throw new AwsFailure('NotFoundException', `${what} ${this.arn(local)} is not found.`);
    }
    return key;
  }

  arn(local) {
    return `arn:aws:kms:${this.world.region}:111122223333:${local.includes('/') ? local : `key/${local}`}`;
  }

  usable(id) {
    const key = this.find(id);
    if (key.state === 'PendingDeletion')
      throw new AwsFailure('KMSInvalidStateException', `${key.arn} is pending deletion.`);
    if (key.state === 'Disabled') throw new AwsFailure('DisabledException', `${key.arn} is disabled.`);
    return key;
  }

  CreateKey() {
    const id = randomUUID();
    const key = { id, arn: this.arn(id), secret: randomBytes(32), state: 'Enabled' };
    this.keys.set(id, key);
    return { KeyMetadata: metadata(key) };
  }

  CreateAlias({ AliasName, TargetKeyId }) {
    if (!/^alias\/[A-Za-z0-9/_-]+$/.test(AliasName ?? '')) throw validation('AliasName must begin with alias/');
    if (this.aliases.has(AliasName))
      throw new AwsFailure('AlreadyExistsException', `An alias with the name ${AliasName} already exists`);
    this.aliases.set(AliasName, this.find(TargetKeyId).id);
    return {};
  }

  DescribeKey({ KeyId }) {
    return { KeyMetadata: metadata(this.find(KeyId)) };
  }

  DisableKey({ KeyId }) {
    this.find(KeyId).state = 'Disabled';
    return {};
  }

  EnableKey({ KeyId }) {
    this.find(KeyId).state = 'Enabled';
    return {};
  }

  ScheduleKeyDeletion({ KeyId, PendingWindowInDays = 30 }) {
    const key = this.find(KeyId);
    key.state = 'PendingDeletion';
    return { KeyId: key.arn, DeletionDate: (this.world.now() + PendingWindowInDays * DAY) / 1000, KeyState: key.state };
  }

  Encrypt({ KeyId, Plaintext, EncryptionContext }) {
    const plaintext = Buffer.from(Plaintext ?? '', 'base64');
    if (plaintext.length < 1 || plaintext.length > LARGEST)
      throw validation(`Plaintext must have 1 to ${LARGEST} bytes`);
    const key = this.usable(KeyId);
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv('aes-256-gcm', key.secret, iv).setAAD(additionalData(EncryptionContext));
    const body = Buffer.concat([cipher.update(plaintext), cipher.final()]);
    const blob = Buffer.concat([Buffer.from(key.id), iv, cipher.getAuthTag(), body]);
    return { KeyId: key.arn, CiphertextBlob: blob.toString('base64'), EncryptionAlgorithm: 'SYMMETRIC_DEFAULT' };
  }

  Decrypt({ KeyId, CiphertextBlob, EncryptionContext }) {
    const blob = Buffer.from(CiphertextBlob ?? '', 'base64');
    const made = this.keys.get(blob.subarray(0, ID_BYTES).toString());
    if (made === undefined) throw new AwsFailure('InvalidCiphertextException', '');
    const key = this.usable(KeyId ?? made.id);
    if (key !== made) {
      throw new AwsFailure(
        'IncorrectKeyException',
        'The key ID in the request does not identify a CMK that can perform this operation.',
      );
    }
    const [iv, tag, body] = [
      blob.subarray(ID_BYTES, ID_BYTES + IV_BYTES),
      blob.subarray(ID_BYTES + IV_BYTES, ID_BYTES + IV_BYTES + TAG_BYTES),
      blob.subarray(ID_BYTES + IV_BYTES + TAG_BYTES),
    ];
    try {
      const decipher = createDecipheriv('aes-256-gcm', key.secret, iv, { authTagLength: TAG_BYTES });
      decipher.setAAD(additionalData(EncryptionContext)).setAuthTag(tag);
      const plaintext = Buffer.concat([decipher.update(body), decipher.final()]);
      return { KeyId: key.arn, Plaintext: plaintext.toString('base64'), EncryptionAlgorithm: 'SYMMETRIC_DEFAULT' };
    } catch (error) {
      if (error instanceof AwsFailure) throw error;
      throw new AwsFailure('InvalidCiphertextException', '');
    }
  }
}

function metadata({ id, arn, state }) {
  return { KeyId: id, Arn: arn, KeyState: state, Enabled: state === 'Enabled', KeyUsage: 'ENCRYPT_DECRYPT' };
}
