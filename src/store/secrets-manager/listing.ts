import { KEYSET_NAME, THUMBPRINT } from '../../keyset/manifest/model.js';
import type { StoredKeyName } from '../store.js';
import type { SecretsApi } from './api.js';
import { isKeyDeleted } from './keys.js';
import type { Session } from './session.js';

export async function listKeysets(session: Session): Promise<string[]> {
  const keysets: string[] = [];
  await eachName(session, false, (name) => {
    if (KEYSET_NAME.test(name)) keysets.push(name);
    return true;
  });
  return keysets.sort();
}

/** True also for a key in its recovery window: it can still be restored, and then needs its KEK. */
export async function holdsKeys(session: Session): Promise<boolean> {
  let found = false;
  await eachName(session, true, (name) => {
    const [keyset = '', thumbprint = '', last, ...rest] = name.split('/');
    found = KEYSET_NAME.test(keyset) && THUMBPRINT.test(thumbprint) && last === 'private' && rest.length === 0;
    return !found;
  });
  return found;
}

/** ListSecrets may lag behind, so it describes each secret separately. */
export async function listKeys(session: Session, keyset: string): Promise<StoredKeyName[]> {
  const thumbprints = new Set<string>();
  await eachName(
    session,
    true,
    (name) => {
      const [thumbprint = '', last, ...rest] = name.split('/');
      if (THUMBPRINT.test(thumbprint) && last === 'private' && rest.length === 0) thumbprints.add(thumbprint);
      return true;
    },
    `${session.prefix}/${keyset}/`,
  );
  const found: StoredKeyName[] = [];
  for (const thumbprint of [...thumbprints].sort()) {
    const isDeleted = await isKeyDeleted(session, keyset, thumbprint);
    if (isDeleted !== null) found.push({ thumbprint, isDeleted });
  }
  return found;
}

/** Calls `visit` with each name below the prefix, until it returns false. */
async function eachName(
  session: Session,
  withDeleted: boolean,
  visit: (name: string) => boolean,
  start = `${session.prefix}/`,
): Promise<void> {
  await session.run(
    { operation: 'ListSecrets', resource: `${start}*` },
    session.limits.method,
    async (api: SecretsApi) => {
      let next: string | null = null;
      do {
        const page: Awaited<ReturnType<SecretsApi['list']>> = await api.list(start, next, withDeleted);
        for (const name of page.names) {
          // Do not rely on the filter of AWS: it may match single words, or ignore case.
          if (name.startsWith(start) && !visit(name.slice(start.length))) return;
        }
        next = page.next;
      } while (next !== null);
    },
  );
}
