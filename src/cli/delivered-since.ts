import { realpath } from 'node:fs/promises';
import { resolve } from 'node:path';
import { JwtrotError } from '../keyset/basics/error.js';
import { shellWord } from '../keyset/basics/outside-text.js';
import type { FoundKey } from './named.js';
import { nameKey } from './output/words.js';

/**
 * A file that jwtrot delivers to holds the leaked key at the first `retire --key FILE`, and its replacement when that is
 * given again: the good key must not go by a command that was meant to go on.
 * @param file of `--key`
 * @throws JwtrotError kind `usage` if the key came into the file by a retirement that is still open
 */
export async function refuseDeliveredSince(found: readonly FoundKey[], file: string | undefined): Promise<void> {
  if (file === undefined || file === '-') return;
  const given = await whereIs(file);
  for (const { key, keyset, seen } of found) {
    if (key === null || key.state !== 'active') continue;
    const open = seen.manifest?.retirements.find(
      ({ kid, requestedAt }) => kid !== key.kid && requestedAt <= key.activatedAt,
    );
    if (open === undefined) continue;
    const delivered = await Promise.all(keyset.deliver.map((one) => ('path' in one ? whereIs(one.path) : null)));
    if (!delivered.includes(given)) continue;
    throw new JwtrotError(
      'usage',
      'delivered-since',
      `${file} holds ${nameKey(key)} now, which was delivered there in place of ${open.kid}, whose retirement is not over; nothing was changed`,
      {
        hint: `to go on with it: jwtrot retire --kid ${shellWord(open.kid)}; if the new key leaked as well: jwtrot retire --kid ${shellWord(key.kid)}`,
      },
    );
  }
}

async function whereIs(path: string): Promise<string> {
  return realpath(path).catch(() => resolve(path));
}
