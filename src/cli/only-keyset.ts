import type { KeysetConfiguration } from '../config/configuration.js';
import { JwtrotError } from '../keyset/basics/error.js';
import type { Opened } from './open.js';

/** The one keyset that a verb works on. @throws JwtrotError `which-keyset` (exit 2) if several are chosen */
export function onlyKeyset({ keysets }: Opened, verb: string): KeysetConfiguration {
  const [keyset, ...others] = keysets;
  if (keyset !== undefined && others.length === 0) return keyset;
  const names = keysets.map(({ name }) => name).join(', ');
  throw new JwtrotError(
    'usage',
    'which-keyset',
    `there are ${keysets.length} keysets (${names}), and ${verb} is about one; nothing was changed`,
    { hint: `jwtrot ${verb} --keyset ${keyset?.name ?? 'NAME'}` },
  );
}
