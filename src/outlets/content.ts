import { toSpkiPem } from '../keys/public-key.js';
import { JwtrotError } from '../keyset/basics/error.js';
import { jwkSetText, type OutletContent } from '../keyset/published/jwk-set.js';
import type { PublishFormat } from './configured.js';
import { pemEntries, pemFilesText } from './pem-files.js';
import { isOurs } from './read-jwks.js';

/** The text that an outlet must hold; null: there is nothing to write yet, or nothing any more. */
export function publishText(content: OutletContent, format: PublishFormat): string | null {
  if (format === 'pem') return content.active === null ? null : toSpkiPem(content.active.publicJwk);
  if (content.jwks.keys.length === 0 && !content.allowEmpty) return null;
  return format === 'jwks' ? jwkSetText(content.jwks) : pemFilesText(pemEntries(content));
}

/** The last check before a text leaves the process. @throws JwtrotError `private-member` (exit 5) */
export function assertPublic(content: OutletContent): void {
  for (const jwk of content.jwks.keys) {
    if (isOurs({ ...jwk })) continue;
    throw new JwtrotError(
      'refused',
      'private-member',
      `key ${jwk.kid} has members that must not be published; nothing was written`,
      {
        hint: 'restore the manifest from a backup: it was edited',
      },
    );
  }
}
