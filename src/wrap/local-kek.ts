import { constants, type Stats } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { JwtrotError } from '../keyset/error.js';
import { decodeKek } from './local-kek-text.js';

/** Where a KEK lies. A credential is systemd's: a file in `$CREDENTIALS_DIRECTORY`. */
export interface KekPlace {
  readonly path: string;
  readonly kind: 'file' | 'credential';
  /** Of this process: the file must belong to it or to root. */
  readonly uid: number;
}

const GROUP_AND_OTHERS = 0o077;
/** systemd gives the service's user access by an ACL, whose mask shows as the group's bits: 0440, owned by root. */
const NOT_OF_A_CREDENTIAL = 0o037;
/** More than any form of a KEK with stray blanks; a longer file is none. */
const LONGEST = 256;

/**
 * Reads the KEK from a file that is opened once, without following links, and checked on the open file.
 * @returns 32 bytes, to be overwritten after use; null when there is no such file
 * @throws JwtrotError `kek-unsafe` when others could read it or have made it, `kek-invalid` when it is no KEK
 */
export async function readKek(place: KekPlace): Promise<Uint8Array | null> {
  const file = await openKek(place);
  if (file === null) return null;
  const content = new Uint8Array(LONGEST);
  try {
    checkFacts(place, await file.stat());
    let length = 0;
    while (length < LONGEST) {
      const { bytesRead } = await file.read(content, length, LONGEST - length, null);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    const kek = decodeKek(content.subarray(0, length));
    if (kek !== null) return kek;
  } catch (error) {
    throw unreadable(place, error);
  } finally {
    content.fill(0);
    await file.close();
  }
  throw new JwtrotError(
    'refused',
    'kek-invalid',
    `the KEK ${place.path} is not 256 bits, raw or as one line of base64url; nothing was changed`,
    { hint: 'restore it from its backup; keys wrapped under it can be read with no other' },
  );
}

async function openKek(place: KekPlace): Promise<FileHandle | null> {
  // O_NONBLOCK: a FIFO in the file's place must not hang the run.
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  try {
    return await open(place.path, flags);
  } catch (error) {
    const code = errnoOf(error);
    if (code === 'ENOENT') return null;
    if (code === 'ELOOP') throw unsafe(place, 'is a symbolic link', 'name the file itself in wrap.kek.file');
    throw unreadable(place, error);
  }
}

function checkFacts(place: KekPlace, facts: Stats): void {
  const { path, uid, kind } = place;
  if (!facts.isFile()) throw unsafe(place, 'is not a regular file', 'name a file in wrap.kek');
  if (facts.uid !== uid && facts.uid !== 0) {
    throw unsafe(place, `belongs to user ${facts.uid}, who knows it`, `chown ${uid} ${path}, if you trust that user`);
  }
  const tooMuch = kind === 'credential' ? NOT_OF_A_CREDENTIAL : GROUP_AND_OTHERS;
  if ((facts.mode & tooMuch) !== 0) {
    const mode = (facts.mode & 0o777).toString(8).padStart(4, '0');
    throw unsafe(place, `has mode ${mode}: others may use it`, `chmod 0600 ${path}, and think who may have read it`);
  }
}

function unsafe({ path }: KekPlace, why: string, hint: string): JwtrotError {
  return new JwtrotError('refused', 'kek-unsafe', `the KEK ${path} ${why}; it was not used and nothing was changed`, {
    hint,
  });
}

/** A failed system call on the KEK; a `JwtrotError` is handed on. */
export function unreadable({ path }: KekPlace, error: unknown, what: 'open' | 'make' = 'open'): JwtrotError {
  if (error instanceof JwtrotError) return error;
  const errno = errnoOf(error) ?? 'an unknown error';
  const code = what === 'open' ? 'kek-unreadable' : 'kek-not-made';
  const denied = errno === 'EACCES' || errno === 'EPERM' || errno === 'EROFS';
  return new JwtrotError('store', code, `cannot ${what} the KEK ${path}: ${errno}; nothing was changed`, {
    hint: denied
      ? `run as a user who may ${what} it, or set wrap.kek.file to another place`
      : `look at ${path} and run again`,
    cause: error,
  });
}

export function errnoOf(error: unknown): string | undefined {
  const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : undefined;
}
