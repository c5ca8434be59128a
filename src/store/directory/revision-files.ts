import { join } from 'node:path';
import { JwtrotError } from '../../keyset/basics/error.js';
import { isDamaged, manifestDamaged } from '../../keyset/manifest/encoding.js';
import { isBeyondReach } from '../../keyset/manifest/model.js';
import { type Files, namesIn, readRecord } from '../../outside/durable-files.js';
import { errnoOf } from '../../outside/errno.js';

/*
 * The files of revisions, as texts: `manifest/0000000007.json`. The highest number is the newest.
 */

export interface RevisionFolder {
  readonly files: Files;
  /** `<store>/<keyset>/manifest` */
  readonly folder: string;
  readonly keyset: string;
}

const REVISION = /^(\d{10})\.json$/;

export const nameOf = (revision: number): string => `${String(revision).padStart(10, '0')}.json`;

/** The numbers of the revisions in a folder, ascending. */
export async function revisionsIn(files: Files, folder: string): Promise<number[]> {
  const numbers = (await namesIn(files, folder)).flatMap((name) => REVISION.exec(name)?.[1] ?? []);
  return numbers.map(Number).sort((a, b) => a - b);
}

/** A revision as it lies on the disk. */
export interface RevisionText {
  readonly revision: number;
  readonly text: string;
}

/** The newest revision's text, unchecked; null: there is none. */
export async function readNewestText(place: RevisionFolder): Promise<RevisionText | null> {
  const { files, folder, keyset } = place;
  for (let listed: number | undefined; ; ) {
    const revision = (await revisionsIn(files, folder)).at(-1);
    if (revision === undefined) return null;
    const path = join(folder, nameOf(revision));
    const text = await readText(place, revision);
    if (text !== null) return { revision, text };
    // It was pruned after the listing, so there are newer ones.
    if (revision === listed) throw manifestDamaged(keyset, path, "it can't be opened");
    listed = revision;
  }
}

/** Errors of this one file: the others in the folder may be readable. */
const UNREAD = new Map<string, string>([
  ['EACCES', 'permission denied'],
  ['EPERM', 'operation not permitted'],
  ['EIO', 'the disk fails (EIO)'],
  ['EBADMSG', 'the disk fails (EBADMSG)'],
  ['ETIMEDOUT', 'it does not answer'],
]);

/** Null: there is no such revision. @throws JwtrotError `manifest-damaged`, `manifest-foreign`, `manifest-unread` */
export async function readText({ files, folder, keyset }: RevisionFolder, revision: number): Promise<string | null> {
  const path = join(folder, nameOf(revision));
  try {
    return await readRecord(files, path, (why) => manifestDamaged(keyset, path, why));
  } catch (error) {
    const why = UNREAD.get(errnoOf(error));
    throw why === undefined ? foreign(error, path, revision) : unread(keyset, path, why, error);
  }
}

/** The file need not be damaged, so nothing replaces it automatically. */
function unread(keyset: string, path: string, why: string, cause: unknown): JwtrotError {
  return new JwtrotError(
    'store',
    'manifest-unread',
    `cannot read the manifest of keyset ${keyset} in ${path}: ${why}; nothing was changed`,
    {
      hint: `see why (ls -l ${path}; dmesg); where that can't be mended: mv ${path} ${path}.unread; jwtrot store recover --keyset ${keyset}`,
      cause,
    },
  );
}

/** Turns damage under a number that no keyset reaches into `manifest-foreign`: somebody put that file there. */
export function foreign(error: unknown, path: string, revision: number): unknown {
  if (!isDamaged(error) || !isBeyondReach(revision)) return error;
  const hint = `no keyset comes to such a revision, so jwtrot has not written it: mv ${path} ${path}.foreign; jwtrot status`;
  return new JwtrotError('refused', 'manifest-foreign', error.message, { hint, cause: error });
}
