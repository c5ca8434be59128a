import { basename, dirname } from 'node:path';
import { toSpkiPem } from '../keys/public-key.js';
import type { OutletContent } from '../keyset/projection.js';
import { removeFile, replaceFile } from './atomic-file.js';
import { publishText } from './content.js';
import { openDirectory } from './directory.js';
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
    isBlind: false,
    folder,
    name,
    openFolder: () => openDirectory(folder, { follow: true }),
    observe: (path) => observePublishFile(outlet, path),
    holds(sight, content) {
      const text = publishText(content, outlet.format);
      return text === null ? !isOutlived(sight, content) : sight.intact && sight.text === text;
    },
    async write({ directory, content, newId }) {
      const text = publishText(content, outlet.format);
      if (text === null) {
        await removeFile(directory, name);
      } else {
        await replaceFile(directory, name, Buffer.from(text), { mode: outlet.mode, uid: -1, gid: -1 }, newId());
      }
    },
  };
}

/** A PEM of a key that has left the JWKS, with no active key to put in its place. */
function isOutlived({ keys, text }: Sight, content: OutletContent): boolean {
  return keys !== null && keys.length > 0 && !content.jwks.keys.some((jwk) => toSpkiPem(jwk) === text);
}
