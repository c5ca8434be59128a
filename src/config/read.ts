import { JwtrotError } from '../keyset/basics/error.js';
import { errnoOf } from '../outside/errno.js';
import { Hangs, unlessHanging } from '../outside/hanging.js';
import { readGuarded } from '../outside/read-file.js';
import { octal, type ReadProblem, readProblemCause, readProblemReason } from '../outside/read-problem.js';
import { trustedWay, type WayProblem } from '../outside/trusted-way.js';

/** Bytes. Many times the size of a configuration with a thousand keysets. */
export const LARGEST_CONFIGURATION = 1024 * 1024;

const COULD = 'name commands to run';

/**
 * Reads a configuration that only root or this user can have written or put in place. It checks the open file and every
 * directory on the way. It follows symbolic links (Kubernetes mounts files through them) and checks them too.
 * @param path absolute
 * @throws JwtrotError (exit 2) `config-not-found`, `config-unreadable`, `config-writable`, `config-owner`
 */
export async function readConfiguration(path: string, uid: number): Promise<string> {
  const way = await unlessHanging(path, () => trustedWay(path, uid)).catch((error: unknown) => {
    throw notReached(path, error);
  });
  if (!way.ok) throw strayed(path, uid, way.problem);
  const rules = { limit: LARGEST_CONFIGURATION, links: 'refuse', uid, forbidden: 0o022, real: true } as const;
  const read = await readGuarded(way.real, rules);
  if (!read.ok) throw unread(path, uid, read.problem);
  return decode(read.bytes, path);
}

function notReached(path: string, error: unknown): JwtrotError {
  const code = errnoOf(error);
  if (code === 'ENOENT' || code === 'ENOTDIR') return notFound(path, error);
  if (error instanceof Hangs) return refusal('config-unreadable', `${path} does not answer`, `df ${path}`, error);
  return refusal('config-unreadable', `${path} can't be read (${code})`, 'let this user read it', error);
}

function notFound(path: string, cause?: unknown): JwtrotError {
  return refusal('config-not-found', `${path} does not exist`, 'name an existing file with --config', cause);
}

/** An unsafe way: a user who can change a directory or link on it can substitute another configuration. */
function strayed(path: string, uid: number, problem: WayProblem): JwtrotError {
  const by = `${path} is reached by ${problem.path}, which`;
  switch (problem.type) {
    case 'owner':
      return refusal(
        'config-owner',
        `${by} ${stranger(problem.owner, uid)}`,
        `${asOwner(problem.owner)}, or ${ELSEWHERE}`,
      );
    case 'planted':
      return refusal('config-owner', `${by} ${stranger(problem.owner, uid)}`, ELSEWHERE);
    case 'writable': {
      const why = `can be written by others (mode ${octal(problem.mode)}): they could ${COULD}`;
      return refusal('config-writable', `${by} ${why}`, `chmod go-w ${problem.path}, or ${ELSEWHERE}`);
    }
    case 'loop':
      return refusal('config-unreadable', `${path} is a symbolic link that leads nowhere`, 'name the file itself');
  }
}

function stranger(owner: number, uid: number): string {
  const others = uid === 0 ? 'and root runs jwtrot' : `neither root nor uid ${uid} that runs jwtrot`;
  return `belongs to uid ${owner}, ${others}: its owner could ${COULD}`;
}

const asOwner = (owner: number): string => `run it as uid ${owner}, its owner (sudo -u '#${owner}' jwtrot ...)`;

const ELSEWHERE = "keep it in a directory of your own or root's";

function unread(path: string, uid: number, problem: ReadProblem): JwtrotError {
  switch (problem.type) {
    case 'absent':
      return notFound(path);
    case 'owner':
      return refusal(
        'config-owner',
        `${path} ${stranger(problem.owner, uid)}`,
        `${asOwner(problem.owner)}, or chown ${uid} ${path}`,
      );
    case 'mode':
      return refusal(
        'config-writable',
        `${path} can be written by others (mode ${octal(problem.mode & 0o777)}): they could ${COULD}`,
        `chmod go-w ${path}`,
      );
    case 'too-large':
      return refusal('config-unreadable', `${path} is larger than 1 MiB`, 'name a jwtrot configuration with --config');
    case 'denied':
      return refusal('config-unreadable', `${path} can't be read (EACCES)`, 'let this user read it', problem.cause);
    default: {
      const why = `${path} can't be read: ${readProblemReason(problem)}`;
      return refusal('config-unreadable', why, 'name a file with --config', readProblemCause(problem));
    }
  }
}

function decode(bytes: Uint8Array, path: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw refusal('config-unreadable', `${path} is not UTF-8 text`, 'save it as UTF-8', cause);
  }
}

function refusal(code: string, what: string, hint: string, cause?: unknown): JwtrotError {
  return new JwtrotError('usage', code, `configuration ${what}; nothing was touched`, { hint, cause });
}
