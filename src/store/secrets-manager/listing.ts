import { KEYSET_NAME, THUMBPRINT } from '../../keyset/model.js';
import type { SecretsApi } from './api.js';
import type { Session } from './session.js';

export async function listKeysets(session: Session): Promise<string[]> {
  const keysets: string[] = [];
  await eachName(session, false, (name) => {
    if (KEYSET_NAME.test(name)) keysets.push(name);
    return true;
  });
  return keysets.sort();
}

/** Counts keys whose recovery window runs: they can still be restored, and then need their KEK. */
export async function holdsKeys(session: Session): Promise<boolean> {
  let found = false;
  await eachName(session, true, (name) => {
    const [keyset = '', thumbprint = '', last, ...rest] = name.split('/');
    found = KEYSET_NAME.test(keyset) && THUMBPRINT.test(thumbprint) && last === 'private' && rest.length === 0;
    return !found;
  });
  return found;
}

/** Calls `visit` with each name below the prefix, until it returns false. */
async function eachName(session: Session, withDeleted: boolean, visit: (name: string) => boolean): Promise<void> {
  const start = `${session.prefix}/`;
  await session.run(
    { operation: 'ListSecrets', resource: `${start}*` },
    session.limits.method,
    async (api: SecretsApi) => {
      let next: string | null = null;
      do {
        const page: Awaited<ReturnType<SecretsApi['list']>> = await api.list(start, next, withDeleted);
        for (const name of page.names) {
          // The filter of AWS is not ours to trust: it may match words, or in other letters.
          if (name.startsWith(start) && !visit(name.slice(start.length))) return;
        }
        next = page.next;
      } while (next !== null);
    },
  );
}
