import { quoteOutside } from '../keyset/basics/outside-text.js';
import { readGuarded } from './read-file.js';
import { readProblemReason } from './read-problem.js';

/** Paths of PEM files. */
export interface Tls {
  readonly ca: string | null;
  readonly cert: string | null;
  readonly key: string | null;
}

export const NO_TLS_FILES: Tls = { ca: null, cert: null, key: null };

/** The content of the files. `ca` replaces the trusted roots. */
export interface TlsMaterial {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

/** Bytes. Debian's trust store has 220 KiB. */
const LONGEST = 1024 * 1024;

/**
 * Reads the files.
 * @param uid this process's: the files must belong to it or to root, since `ca` decides which servers are trusted
 */
export async function readTlsFiles(
  tls: Tls,
  uid: number,
): Promise<{ ok: true; material: TlsMaterial } | { ok: false; reason: string }> {
  const material: { ca?: string; cert?: string; key?: string } = {};
  for (const part of ['ca', 'cert', 'key'] as const) {
    const path = tls[part];
    if (path === null) continue;
    const read = await readGuarded(path, { limit: LONGEST, links: 'refuse', uid, forbidden: 0o022, real: true });
    if (!read.ok) {
      const renewed =
        read.problem.type === 'link' ? ', or a copy if that name changes with each renewal (certbot)' : '';
      const why = `${readProblemReason(read.problem)}${renewed}`;
      return { ok: false, reason: `tls.${part}: cannot read ${quoteOutside(path)}: ${why}` };
    }
    material[part] = read.bytes.toString('utf8');
    read.bytes.fill(0);
  }
  return { ok: true, material };
}
