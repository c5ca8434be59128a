import { type ParsedKey, parseKey } from '../keys/import-key.js';
import { readOutletFile } from './read-file.js';

/** The key in a delivered file; null when there is none. The caller overwrites its private half. */
async function deliveredKey(path: string): Promise<ParsedKey | null> {
  const found = await readOutletFile(path, { follow: false });
  if (typeof found === 'string') return null;
  try {
    return await parseKey(found.bytes, { kind: 'any' });
  } catch {
    return null;
  } finally {
    found.bytes.fill(0);
  }
}

/** This key's private half (PKCS#8 DER) from the first file that holds it; null: none does. The caller overwrites it. */
export async function privateHalfIn(paths: readonly string[], thumbprint: string): Promise<Uint8Array | null> {
  for (const path of paths) {
    const key = await deliveredKey(path);
    if (key?.thumbprint === thumbprint && key.privateKey !== null) return key.privateKey;
    key?.privateKey?.fill(0);
  }
  return null;
}
