import { readFile } from 'node:fs/promises';
import { quoteOutside } from '../keyset/outside-text.js';
import { fileProblem } from './file-problem.js';

/** Paths of PEM files. */
export interface Tls {
  readonly ca: string | null;
  readonly cert: string | null;
  readonly key: string | null;
}

export const NO_TLS_FILES: Tls = { ca: null, cert: null, key: null };

/** What the files hold. `ca` replaces the trusted roots. */
export interface TlsMaterial {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

/** Reads the files now, so that a renewed certificate counts at once. */
export async function readTlsFiles(
  tls: Tls,
): Promise<{ ok: true; material: TlsMaterial } | { ok: false; reason: string }> {
  const material: { ca?: string; cert?: string; key?: string } = {};
  for (const part of ['ca', 'cert', 'key'] as const) {
    const path = tls[part];
    if (path === null) continue;
    try {
      material[part] = await readFile(path, 'utf8');
    } catch (error) {
      return { ok: false, reason: `tls.${part}: cannot read ${quoteOutside(path)}: ${fileProblem(error)}` };
    }
  }
  return { ok: true, material };
}
