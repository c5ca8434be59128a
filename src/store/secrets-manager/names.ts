import { createHash } from 'node:crypto';

export function manifestName(prefix: string, keyset: string): string {
  return `${prefix}/${keyset}`;
}

/** Ends in `/private`, since partial ARNs fail for names that end in a hyphen and six characters, as thumbprints may. */
export function keyName(prefix: string, keyset: string, thumbprint: string): string {
  return `${prefix}/${keyset}/${thumbprint}/private`;
}

/**
 * The ClientRequestToken, which becomes the version's id. The same text gives the same token, so AWS ignores a
 * repetition. A manifest holds the random id of its commit, so two commits never have the same token.
 */
export function tokenOf(name: string, text: string): string {
  const hex = createHash('sha256').update(`${name}\n${text}`).digest('hex');
  const parts = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)];
  return parts.join('-');
}
