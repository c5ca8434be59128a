import { join } from 'node:path';
import type { Clock } from '../keyset/basics/clock.js';
import { JwtrotError } from '../keyset/basics/error.js';
import type { PublicJwk } from '../keyset/manifest/key.js';
import { KEYSET_NAME, THUMBPRINT } from '../keyset/manifest/model.js';
import { storeFailure } from '../outside/disk-failure.js';
import { type Files, namesIn, realFiles, unlessMissing } from '../outside/durable-files.js';
import { bounded } from './directory/bounded.js';
import { deleteKey, getKey, isKeyGone, type KeyPlace, keyFilesIn, listKeys, putKey } from './directory/keys.js';
import { revisionsIn } from './directory/revision-files.js';
import { commitRevision, type KeysetRevisions, readNewest, salvage } from './directory/revisions.js';
import { ensureRoot, isRootThere } from './directory/root.js';
import { readerOf } from './reader.js';
import type { Store } from './store.js';

export interface DirectoryStoreOptions {
  /** Absolute. The first write makes it, with mode 0700; reading makes nothing. */
  readonly path: string;
  readonly clock: Clock;
  /** The user of this process. The directory must belong to it or to root. */
  readonly uid: number;
  readonly thumbprintOf: (jwk: PublicJwk) => Promise<string>;
  /** It only reads: what a later jwtrot added to a manifest is ignored. */
  readonly reads?: boolean;
  /** For tests in which system calls fail. */
  readonly files?: Files;
}

/**
 * A store in a directory of one machine. Each keyset is a folder with `manifest/0000000007.json` (the newest 8
 * revisions) and `keys/<thumbprint>.json`. It needs a file system with hard links and a working fsync.
 */
export function createDirectoryStore(options: DirectoryStoreOptions): Store {
  const { path, clock, uid, thumbprintOf, files = realFiles, reads = false } = options;

  const revisions = (keyset: string): KeysetRevisions => {
    assertName(keyset, KEYSET_NAME);
    return { files, clock, thumbprintOf, reads, keyset, folder: join(path, keyset, 'manifest') };
  };
  const keyPlace = (keyset: string, thumbprint: string): KeyPlace => {
    assertName(keyset, KEYSET_NAME);
    assertName(thumbprint, THUMBPRINT);
    return { files, clock, keyset, thumbprint, folder: join(path, keyset, 'keys') };
  };
  const isThere = () => isRootThere(files, path, uid);
  const ensure = () => ensureRoot(files, path, uid);
  /** What `look` finds, or nothing before the first write. A place with an illegal name is refused before that. */
  const seen = async <P, T>(place: P, look: (place: P) => Promise<T>, nothing: T): Promise<T> =>
    (await isThere()) ? look(place) : nothing;

  const store: Store = {
    description: `directory ${path}`,
    commitsPerDay: null,
    lag: 0,
    homeElsewhere: async () => null,
    clockOffset: () => null,
    async listKeysets() {
      const hasRevisions = async (folder: string) => (await revisionsIn(files, join(folder, 'manifest'))).length > 0;
      return seen(path, (root) => folders(files, root, hasRevisions), []);
    },
    readManifest: async (keyset) => seen(revisions(keyset), readNewest, null),
    salvage: async (keyset) => seen(revisions(keyset), salvage, null),
    async commitManifest(manifest, base) {
      const place = revisions(manifest.name);
      await ensure();
      return commitRevision(place, manifest, base);
    },
    async putKey(keyset, thumbprint, key) {
      const place = keyPlace(keyset, thumbprint);
      await ensure();
      await putKey(place, key);
      return { inDoubt: false };
    },
    getKey: async (keyset, thumbprint) => seen(keyPlace(keyset, thumbprint), getKey, null),
    deleteKey: async (keyset, thumbprint, how) =>
      seen(keyPlace(keyset, thumbprint), (place) => deleteKey(place, how), clock.now()),
    isKeyGone: async (keyset, thumbprint) => seen(keyPlace(keyset, thumbprint), isKeyGone, true),
    async listKeys(keyset) {
      assertName(keyset, KEYSET_NAME);
      return seen(join(path, keyset, 'keys'), (folder) => listKeys(files, keyset, folder), []);
    },
    async holdsKeys() {
      const hasKeys = async (folder: string) => (await keyFilesIn(files, join(folder, 'keys'))).length > 0;
      return (await seen(path, (root) => folders(files, root, hasKeys), [])).length > 0;
    },
    close() {},
  };
  return bounded(reads ? readerOf(store) : store, path);
}

/** Folders that have a keyset's name and pass `has`. */
async function folders(files: Files, path: string, has: (folder: string) => Promise<boolean>): Promise<string[]> {
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

/** Names become paths, so this refuses any name that could lead elsewhere. */
function assertName(name: string, shape: RegExp): void {
  if (shape.test(name)) return;
  throw new JwtrotError(
    'refused',
    'illegal-name',
    `${JSON.stringify(name)} can't name anything in a store; nothing was changed`,
  );
}
