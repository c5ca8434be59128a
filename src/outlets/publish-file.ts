import { basename, dirname } from 'node:path';
import { toSpkiPem } from '../keys/public-key.js';
import type { OutletContent } from '../keyset/published/jwk-set.js';
import { removeFile, replaceFile } from './atomic-file.js';
import { publishText } from './content.js';
import { openDirectory } from './directory.js';
import type { Flaw } from './findings.js';
import { observePublishFile, type PublishFile } from './observe.js';
import type { Sight } from './sight.js';
import type { Target } from './target.js';

/** A file that a web server, or a verifier on this host, reads. */
export function publishFile(outlet: PublishFile): Target {
  const [folder, name] = [dirname(outlet.path), basename(outlet.path)];
  return {
    label: outlet.path,
    kind: 'publish',
    format: outlet.format,
    isCommand: false,
    runs: 0,
    folder,
    name,
    openFolder: () => openDirectory(folder, { follow: true }),
    flawOf: async ({ sharedWith }) => sharedFlaw(outlet, folder, sharedWith),
    observe: (path) => observePublishFile(outlet, path),
    holds(sight, content) {
      const text = publishText(content, outlet.format);
      return text === null ? !isOutlived(sight, content) : sight.intact && sight.text === text;
    },
    async text(content) {
      const text = publishText(content, outlet.format);
      return text === null ? null : Buffer.from(text);
    },
    async put({ directory, bytes, newId }) {
      if (bytes === null) await removeFile(directory, name);
      else await replaceFile(directory, name, { content: bytes, mode: outlet.mode, uid: -1, gid: -1 }, newId());
    },
  };
}

/** Others who can write there can replace our keys with their own, and mint tokens. */
export function sharedFlaw(
  { allowShared }: { readonly allowShared: boolean },
  folder: string,
  sharedWith: string | null,
): Flaw | null {
  if (sharedWith === null || allowShared) return null;
  return {
    code: 'shared-directory',
    kind: 'refused',
    why: `others could replace the JWKS in ${folder}: ${sharedWith}`,
    hint: 'give it a directory that only jwtrot writes in; or, if those others may mint tokens: allowShared: true',
    yieldsToIncident: true,
  };
}

/** The file holds the PEM of a key that has left the JWKS, and no active key can replace it. */
function isOutlived({ keys, text }: Sight, content: OutletContent): boolean {
  return keys !== null && keys.length > 0 && !content.jwks.keys.some((jwk) => toSpkiPem(jwk) === text);
}
