import { JwtrotError } from '../keyset/basics/error.js';
import { quoteOutside } from '../keyset/basics/outside-text.js';
import { type ReadRules, readGuarded } from '../outside/read-file.js';
import { type ReadProblem, readProblemCause, readProblemReason } from '../outside/read-problem.js';
import type { Environment } from './environment.js';
import { shieldMemory } from './private-memory.js';
import { readStream } from './read-stream.js';

/**
 * What a key file is for. `found` (`retire --key`): the file only helps to find a key, so it may be anybody's, wherever
 * the leak was found. `adopted` (`import`): services will accept tokens signed with its key, so anyone who can write
 * the file can mint tokens. It must belong to this user or to root, and be no link.
 */
export type KeyFileUse = 'found' | 'adopted';

/** Bytes. An RSA key of 4,096 bits has 3.3 KiB as PEM. */
const LONGEST = 64 * 1024;

/**
 * Reads a key from a file, or from standard input for `-`. The caller overwrites it.
 * @throws JwtrotError `key-unreadable` (exit 2)
 */
export async function readKeyFile(file: string, use: KeyFileUse, environment: Environment): Promise<Buffer> {
  await shieldMemory();
  if (file === '-' || file === '/dev/stdin') return readInput(environment);
  const { uid } = environment;
  const rules: ReadRules = use === 'found' ? { limit: LONGEST, links: 'follow' } : adopted(uid);
  const read = await readGuarded(file, rules);
  if (read.ok) return read.bytes;
  const why = readProblemReason(read.problem);
  throw unreadable(quoteOutside(file), why, hintFor(read.problem, file), readProblemCause(read.problem));
}

function adopted(uid: number): ReadRules {
  return { limit: LONGEST, links: 'refuse', uid, forbidden: 0o022, real: true };
}

/** A file that the shell opens for standard input is one that the operator means, whoever owns it. */
function hintFor(problem: ReadProblem, file: string): string {
  if (problem.type === 'absent' || problem.type === 'denied') {
    return 'name a file that this user can read, or - for standard input';
  }
  return problem.type === 'too-large'
    ? 'give a file with the one key alone'
    : `if it is the one that you mean, give it on standard input: - < ${quoteOutside(file)}`;
}

async function readInput({ stdin }: Environment): Promise<Buffer> {
  const read = await readStream(stdin, LONGEST).catch((cause: NodeJS.ErrnoException) => {
    throw unreadable('standard input', cause.code ?? 'unknown', 'name a file that this user can read', cause);
  });
  if (read !== null) return read;
  throw unreadable('standard input', `it is longer than ${LONGEST} bytes`, 'give the one key alone');
}

/** Words a `bad-key` error as one of the file, with what to do next. @returns any other error as it is */
export function withFile(error: unknown, file: string, use: KeyFileUse): unknown {
  if (!(error instanceof JwtrotError) || error.code !== 'bad-key') return error;
  const what = file === '-' ? 'standard input' : quoteOutside(file);
  const { message, kind, code } = error;
  const [verb, command, otherwise] =
    use === 'found'
      ? ['found', 'jwtrot retire --key -', 'name it by its kid: jwtrot retire --kid KID']
      : ['imported', 'jwtrot import --pem -', 'give the whole key, as whoever made it has it'];
  // A leaked key is to be found, not adopted.
  const hint = error.hint?.replace('jwtrot import --pem -', command) ?? otherwise;
  const told = `${what} holds no key that can be ${verb}: ${message}; nothing was changed`;
  return new JwtrotError(kind, code, told, { hint, cause: error });
}

function unreadable(what: string, why: string, hint: string, cause?: unknown): JwtrotError {
  return new JwtrotError('usage', 'key-unreadable', `${what} can't be read: ${why}; nothing was changed`, {
    hint,
    cause,
  });
}
