import type { SecureContext } from 'node:tls';
import type { TlsMaterial } from './tls.js';

/** Enough for the TLS files of several services at a time. */
const MOST = 8;

const known = new Map<string, SecureContext>();

/** Caches the context for each content of the files: making one takes as long as the rest of a poll. */
export async function secureContextOf(material: TlsMaterial): Promise<SecureContext> {
  const { createSecureContext } = await import('node:tls');
  const name = JSON.stringify([material.ca, material.cert, material.key]);
  const found = known.get(name) ?? createSecureContext(material);
  known.delete(name);
  known.set(name, found);
  const [oldest] = known.keys();
  if (known.size > MOST && oldest !== undefined) known.delete(oldest);
  return found;
}
