// The versions of a secret and their staging labels.
import { AwsFailure } from './server-failure.js';

const DAY = 24 * 60 * 60 * 1000;
const CURRENT = 'AWSCURRENT';
const PREVIOUS = 'AWSPREVIOUS';
const LARGEST = 65_536;
const MOST_STAGES = 20;
const MOST_VERSIONS = 100;

/** Adds a version with these stages; its id is the token. */
export function addVersion(secret, text, token, stages, now) {
  pruneVersions(secret, now);
  const before = secret.versions.size;
  secret.versions.set(token, { text, stages: new Set(), createdAt: now });
  // The very first version is the current one, whatever was asked for.
  const wanted = before === 0 ? new Set([...stages, CURRENT]) : stages;
  for (const stage of wanted) moveStage(secret, stage, token);
  const count = [...secret.versions.values()].reduce((sum, version) => sum + version.stages.size, 0);
  if (count > MOST_STAGES) throw new AwsFailure('LimitExceededException', 'A secret has at most 20 staging labels.');
  return token;
}

/** Versions without a stage go, oldest first, beyond 100; none younger than a day. */
function pruneVersions(secret, now) {
  const { versions } = secret;
  for (const [id, { stages, createdAt }] of versions) {
    if (versions.size < MOST_VERSIONS) return;
    if (stages.size === 0 && now - createdAt > DAY) versions.delete(id);
  }
  if (versions.size >= MOST_VERSIONS) {
    throw new AwsFailure('LimitExceededException', `You can't have more than ${MOST_VERSIONS} versions of a secret.`);
  }
}

export function holderOf(secret, stage) {
  for (const [id, { stages }] of secret.versions) if (stages.has(stage)) return id;
  return undefined;
}

/** A label is on one version at a time; where AWSCURRENT was, AWSPREVIOUS comes. */
export function moveStage(secret, stage, to) {
  const from = holderOf(secret, stage);
  if (from === to) return;
  if (from !== undefined) secret.versions.get(from).stages.delete(stage);
  secret.versions.get(to).stages.add(stage);
  if (stage !== CURRENT || from === undefined) return;
  for (const version of secret.versions.values()) version.stages.delete(PREVIOUS);
  secret.versions.get(from).stages.add(PREVIOUS);
}

/** What a version may hold, and its token. */
export function checkValue(text, token) {
  if (text !== undefined && (text === '' || Buffer.byteLength(text) > LARGEST)) {
    throw new AwsFailure('ValidationException', `SecretString must have 1 to ${LARGEST} bytes`);
  }
  // The SDK makes one up when the caller does not.
  if (typeof token !== 'string' || token.length < 32 || token.length > 64) {
    throw new AwsFailure('InvalidParameterException', 'ClientRequestToken must be 32-64 characters long.');
  }
}
