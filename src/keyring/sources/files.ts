import { quoteOutside } from '../../keyset/basics/outside-text.js';
import { readGuarded } from '../../outside/read-file.js';
import { readProblemCause, readProblemReason } from '../../outside/read-problem.js';
import { notNow } from '../failures.js';
import { readKeySet } from '../key-set.js';
import { KeyringError } from '../keyring-error.js';
import type { Settings } from '../settings.js';
import { type KeySource, type Reading, UNKNOWN_TERMS } from '../source.js';
import type { SourceChoice } from '../source-choice.js';
import { type KeyFile, readKeyFile, signingKeyIn } from './key-file.js';
import { LARGEST_JWKS } from './largest-jwks.js';

const LARGEST_KEY = 64 * 1024;
/** Whoever may write these files decides which tokens are accepted. */
const WRITABLE_BY_OTHERS = 0o002;

type Files = Extract<SourceChoice, { type: 'files' }>;

/** Keys in files that jwtrot, or `jwtrot sync`, writes on this host. */
export function fileSource({ keyset, algorithms }: Settings, { jwks, key }: Files, uid: number): KeySource {
  return {
    terms: UNKNOWN_TERMS,
    async read({ verifying: held }) {
      // The key first: whatever is delivered is in the JWKS before, so the JWKS that is read later has it.
      const file = key === null ? null : await readKey(key, uid);
      try {
        const text = (await readBytes(jwks, LARGEST_JWKS, uid)).toString('utf8');
        const verifying = await readKeySet(text, { algorithms, held });
        const common = { verifying, preloaded: new Map(), revision: null, age: 0, maxAge: null };
        if (file === null) return { ...common, signing: null, problem: null, maxTokenTtl: null };
        return { ...common, ...(await signingIn(file, keyset, verifying)) };
      } finally {
        if (file !== null && !(file instanceof KeyringError)) file.privateKey.fill(0);
      }
    },
    close() {},
  };
}

/** A key file that can't be used keeps nobody from taking the newest JWKS: an incident may have taken a key out of it. */
async function readKey(path: string, uid: number): Promise<KeyFile | KeyringError> {
  try {
    const bytes = await readBytes(path, LARGEST_KEY, uid);
    try {
      return readKeyFile(bytes, path);
    } finally {
      bytes.fill(0);
    }
  } catch (error) {
    if (error instanceof KeyringError) return error;
    throw error;
  }
}

async function signingIn(
  file: KeyFile | KeyringError,
  keyset: string,
  verifying: Reading['verifying'],
): Promise<Pick<Reading, 'signing' | 'problem' | 'maxTokenTtl'>> {
  const unread = (problem: KeyringError) => ({ signing: 'unread' as const, problem, maxTokenTtl: null });
  if (file instanceof KeyringError) return unread(file);
  try {
    return { signing: await signingKeyIn(file, keyset, verifying), problem: null, maxTokenTtl: file.maxTokenTtl };
  } catch (error) {
    if (error instanceof KeyringError) return unread(error);
    throw error;
  }
}

async function readBytes(path: string, limit: number, uid: number): Promise<Buffer> {
  // Links are followed: volumes of containers consist of them. Whose they are, and who may change them, is looked at.
  const read = await readGuarded(path, { limit, links: 'follow', forbidden: WRITABLE_BY_OTHERS, placedFor: uid });
  if (read.ok) return read.bytes;
  const { problem } = read;
  throw notNow('source-unreadable', `${quoteOutside(path)}: ${readProblemReason(problem)}`, readProblemCause(problem));
}
