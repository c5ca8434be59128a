import { dirname, join } from 'node:path';
import type { Configuration } from '../config/configuration.js';
import { JwtrotError } from '../keyset/basics/error.js';
import { decodeJson } from '../keyset/basics/foreign-json.js';
import { readGuarded } from '../outside/read-file.js';
import { ACCOUNT } from './account.js';
import { systemdWord } from './escape.js';
import { configurationOf, STATE_DIRECTORY } from './paths.js';
import type { Step } from './step.js';

/*
 * A group that may run `jwtrot status` and `jwtrot jwks`. It may read the manifests and the host's own record of each
 * keyset. Neither holds a secret. Wrapped keys lie in the same tree and stay with user jwtrot alone. Shared folders
 * have the group and the setgid bit, so that new files inherit the group; `keys` gives it no access.
 */

export interface Readers {
  /** Its name or number. */
  readonly group: string;
  /** The paths of the store and of the host's own record. */
  readonly store: string;
  readonly records: string;
}

/** @throws JwtrotError `no-local-store` */
export function readersOf(group: string, { store }: Configuration): Readers {
  if (store.type === 'directory') return { group, store: store.path, records: join(dirname(store.path), 'records') };
  const message = `--readers is for a store in a directory, and this one is in ${store.type}; nothing was changed`;
  throw new JwtrotError('usage', 'no-local-store', message, {
    hint: 'let IAM say who may read it: docs/aws.md has the policies',
  });
}

const MARK = '# Readers: ';
/** In bytes. */
const LARGEST = 1024 * 1024;

/** Settings for a unit: its files are readable for the group, which may also pass through the state directory. */
export function readerSettings(readers: Readers | null): string[] {
  if (readers === null) return [];
  return [`${MARK}${JSON.stringify(readers)}`, 'UMask=0027', 'StateDirectoryMode=0711'];
}

/** The readers of the last setup; null: nobody. */
export async function installedReaders(): Promise<Readers | null> {
  const read = await readGuarded(configurationOf('jwtrot.service'), { limit: LARGEST, links: 'refuse' });
  if (!read.ok) return null;
  const line = read.bytes
    .toString('utf8')
    .split('\n')
    .find((one) => one.startsWith(MARK));
  const decoded = line === undefined ? null : decodeJson(line.slice(MARK.length));
  // The file is root's own: its text is setup's unless root changed it.
  return decoded?.ok === true && isReaders(decoded.value) ? decoded.value : null;
}

function isReaders(value: unknown): value is Readers {
  const names: readonly (keyof Readers)[] = ['group', 'store', 'records'];
  return (
    typeof value === 'object' && value !== null && names.every((name) => typeof Reflect.get(value, name) === 'string')
  );
}

/** tmpfiles.d(5) lines for present and future files. "z" takes a pattern. */
export function readerLines(readers: Readers | null): string[] {
  if (readers === null) return [];
  const { group, store, records } = readers;
  const line = (type: string, path: string, mode: string) =>
    `${type} ${systemdWord(path)} ${mode} ${ACCOUNT} ${group} -`;
  const within = (folder: string, pattern: string) => `${literal(folder)}/${pattern}`;
  return [
    `z ${STATE_DIRECTORY} 0711 ${ACCOUNT} ${ACCOUNT} -`,
    line('d', store, '2750'),
    line('d', records, '2750'),
    line('z', within(store, '*'), '2750'),
    line('z', within(store, '*/manifest'), '2750'),
    line('z', within(store, '*/manifest/*.json'), '0640'),
    line('z', within(records, '*'), '2750'),
    line('z', within(records, '*/*.json'), '0640'),
  ];
}

/** Escapes glob(7) characters in a folder's name. */
function literal(path: string): string {
  return path.replace(/[*?[\]{}\\]/g, '\\$&');
}

/** Revokes a group's access, as user jwtrot, who owns the files: that user could redirect root, who changes by name. */
export function takeBack({ store, records }: Readers): Step {
  const script = 'for path; do [ ! -e "$path" ] || chmod -R g=,g-s "$path"; done; chmod go= "$0"';
  const who = [`--reuid=${ACCOUNT}`, `--regid=${ACCOUNT}`, '--clear-groups'];
  return ['setpriv', ...who, 'sh', '-c', script, STATE_DIRECTORY, store, records];
}
