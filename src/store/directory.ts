import { join } from 'node:path';
import type { Clock } from '../keyset/clock.js';
import { JwtrotError } from '../keyset/error.js';
import { KEYSET_NAME, type PublicJwk, THUMBPRINT } from '../keyset/model.js';
import { storeFailure } from './directory/failure.js';
import { type Files, namesIn, realFiles, unlessMissing } from './directory/files.js';
import { deleteKey, getKey, holdsKey, isKeyGone, type KeyPlace, putKey } from './directory/keys.js';
import { commitRevision, type Place, readNewest, revisionsIn } from './directory/revisions.js';
import { ensureRoot, isRootThere } from './directory/root.js';
import type { Store } from './store.js';

export interface DirectoryStoreOptions {
  /** Absolute. Made with mode 0700 by the first write; reading makes nothing. */
  readonly path: string;
  readonly clock: Clock;
  /** Of this process: the directory must belong to it or to root. */
  readonly uid: number;
  readonly thumbprintOf: (jwk: PublicJwk) => Promise<string>;
  /** For tests that let system calls fail. */
  readonly files?: Files;
}

/**
 * A store in a directory of one machine. Each keyset is a folder: `manifest/0000000007.json` (the newest 8 revisions),
 * `keys/<thumbprint>.json`. Needs a file system with hard links and a working fsync.
 */
export function createDirectoryStore(options: DirectoryStoreOptions): Store {
  const { path, clock, uid, thumbprintOf, files = realFiles } = options;

  const revisions = (keyset: string): Place => {
    assertName(keyset, KEYSET_NAME);
    return { files, clock, thumbprintOf, keyset, folder: join(path, keyset, 'manifest') };
  };
  const keyPlace = (keyset: string, thumbprint: string): KeyPlace => {
    assertName(keyset, KEYSET_NAME);
    assertName(thumbprint, THUMBPRINT);
    return { files, clock, keyset, thumbprint, folder: join(path, keyset, 'keys') };
  };
  const isThere = () => isRootThere(files, path, uid);
  const ensure = () => ensureRoot(files, path, uid);

  /** Folders with a keyset's name of which `has` is true. */
  async function folders(has: (folder: string) => Promise<boolean>): Promise<string[]> {
    if (!(await isThere())) return [];
    try {
      const found: string[] = [];
      for (const name of (await namesIn(files, path)).filter((one) => KEYSET_NAME.test(one)).sort()) {
        const folder = join(path, name);
        const facts = await unlessMissing(files.stat(folder), null);
        if (facts?.isDirectory() && (await has(folder))) found.push(name);
      }
      return found;
    } catch (error) {
      throw storeFailure(error, 'list the keysets', path, 'nothing was changed');
    }
  }

  return {
    description: `directory ${path}`,
    commitsPerDay: null,
    clockOffset: () => null,
    listKeysets: () => folders(async (folder) => (await revisionsIn(files, join(folder, 'manifest'))).length > 0),
    async readManifest(keyset) {
      const place = revisions(keyset);
      return (await isThere()) ? readNewest(place) : null;
    },
    async commitManifest(manifest, base) {
      const place = revisions(manifest.name);
      await ensure();
      return commitRevision(place, manifest, base);
    },
    async putKey(keyset, thumbprint, key) {
      const place = keyPlace(keyset, thumbprint);
      await ensure();
      await putKey(place, key);
    },
    async getKey(keyset, thumbprint) {
      const place = keyPlace(keyset, thumbprint);
      return (await isThere()) ? getKey(place) : null;
    },
    async deleteKey(keyset, thumbprint, how) {
      const place = keyPlace(keyset, thumbprint);
      return (await isThere()) ? deleteKey(place, how) : clock.now();
    },
    async isKeyGone(keyset, thumbprint) {
      const place = keyPlace(keyset, thumbprint);
      return (await isThere()) ? isKeyGone(place) : true;
    },
    holdsKeys: async () => (await folders((folder) => holdsKey(files, join(folder, 'keys')))).length > 0,
    close() {},
  };
}

/** Names become paths: one that could lead elsewhere never gets that far. */
function assertName(name: string, shape: RegExp): void {
  if (shape.test(name)) return;
  throw new JwtrotError(
    'refused',
    'illegal-name',
    `${JSON.stringify(name)} can't name anything in a store; nothing was changed`,
  );
}
