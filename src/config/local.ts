import { dirname, isAbsolute, join } from 'node:path';
import { JwtrotError } from '../keyset/basics/error.js';
import type { StoreChoice, WrapChoice } from './configuration.js';
import type { Surroundings } from './find.js';

/** The store when none is configured: in systemd's state directory, or else in the XDG state directory. */
export function localStore(surroundings: Surroundings): Extract<StoreChoice, { type: 'directory' }> {
  return { type: 'directory', path: join(stateDirectory(surroundings), 'store') };
}

/**
 * The local KEK lies next to the store's directory, never in it. Its path depends on the store's path alone, so that a
 * command in a shell finds the KEK that the timer's run made.
 */
export function localWrap(storePath: string): WrapChoice {
  return { type: 'local', kek: { file: join(dirname(storePath), 'kek') } };
}

/** `$STATE_DIRECTORY` may list several paths; jwtrot uses the first (systemd.exec(5), StateDirectory=). */
function stateDirectory({ env, home }: Surroundings): string {
  const [first] = (env['STATE_DIRECTORY'] ?? '').split(':');
  if (first !== undefined && isAbsolute(first)) return first;
  const xdg = env['XDG_STATE_HOME'];
  const base = xdg !== undefined && isAbsolute(xdg) ? xdg : join(home, '.local', 'state');
  if (isAbsolute(base)) return join(base, 'jwtrot');
  throw new JwtrotError('usage', 'no-state-directory', 'there is no place for the local store: this user has no home', {
    hint: 'set store: { type: directory, path: /var/lib/jwtrot/store }, or STATE_DIRECTORY',
  });
}
