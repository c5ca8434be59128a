import { JwtrotError } from '../keyset/basics/error.js';
import { errnoOf } from '../outside/errno.js';
import { readGuarded } from '../outside/read-file.js';
import { octal, type ReadProblem, readProblemReason } from '../outside/read-problem.js';
import { decodeKek } from './local-kek-text.js';

/** Where a KEK lies. A systemd credential is a file in `$CREDENTIALS_DIRECTORY`. */
export interface KekPlace {
  readonly path: string;
  readonly kind: 'file' | 'credential';
  /** This process's: the file must belong to it or to root. */
  readonly uid: number;
}

const GROUP_AND_OTHERS = 0o077;
/**
 * systemd leaves a credential to root and grants the service's user access by an ACL. Its mask shows as group bits: 0440.
 */
const NOT_OF_A_CREDENTIAL = 0o037;
/** Bytes. Longer than any form of a KEK with stray blanks. */
const LONGEST = 256;

/**
 * Reads the KEK. It opens the file once, without following links, and checks the open file.
 * @returns 32 bytes, which the caller overwrites after use; null when there is no such file
 * @throws JwtrotError `kek-unsafe` when others can read the file or may have made it, `kek-invalid` when it holds no KEK,
 * `kek-unreadable` when it can't be read
 */
export async function readKek(place: KekPlace): Promise<Uint8Array | null> {
  const { path, uid, kind } = place;
  const forbidden = kind === 'credential' ? NOT_OF_A_CREDENTIAL : GROUP_AND_OTHERS;
  const read = await readGuarded(path, { limit: LONGEST, links: 'refuse', uid, forbidden, real: true });
  if (!read.ok) return refuse(place, read.problem);
  const kek = decodeKek(read.bytes);
  read.bytes.fill(0);
  if (kek === null) throw invalid(place);
  return kek;
}

function refuse(place: KekPlace, problem: ReadProblem): null {
  const { path, uid } = place;
  switch (problem.type) {
    case 'absent':
      return null;
    case 'denied':
    case 'failed':
      throw unreadable(place, problem.cause);
    case 'too-large':
      throw invalid(place);
    case 'owner':
      throw unsafe(
        place,
        `belongs to user ${problem.owner}, who knows it`,
        `chown ${uid} ${path}, if you trust that user`,
      );
    case 'mode':
      throw unsafe(
        place,
        `has mode ${octal(problem.mode)}: others may use it`,
        `chmod 0600 ${path}, and think who may have read it`,
      );
    case 'link':
    case 'not-a-file':
    case 'made-up':
    case 'misplaced':
      throw unsafe(place, `can't be read: ${readProblemReason(problem)}`, 'name the file itself in wrap.kek');
  }
}

function invalid({ path }: KekPlace): JwtrotError {
  return new JwtrotError(
    'refused',
    'kek-invalid',
    `the KEK ${path} is not 256 bits, raw or as one line of base64url; nothing was changed`,
    { hint: 'restore it from its backup; keys wrapped under it can be read with no other' },
  );
}

function unsafe({ path }: KekPlace, why: string, hint: string): JwtrotError {
  return new JwtrotError('refused', 'kek-unsafe', `the KEK ${path} ${why}; it was not used and nothing was changed`, {
    hint,
  });
}

/** The error for a failed system call on the KEK. A `JwtrotError` is returned unchanged. */
export function unreadable({ path }: KekPlace, error: unknown, what: 'open' | 'make' = 'open'): JwtrotError {
  if (error instanceof JwtrotError) return error;
  const errno = errnoOf(error) || 'an unknown error';
  const code = what === 'open' ? 'kek-unreadable' : 'kek-not-made';
  const denied = errno === 'EACCES' || errno === 'EPERM' || errno === 'EROFS';
  return new JwtrotError('store', code, `cannot ${what} the KEK ${path}: ${errno}; nothing was changed`, {
    hint: denied
      ? `run as a user who may ${what} it, or set wrap.kek.file to another place`
      : `look at ${path} and run again`,
    cause: error,
  });
}
