import { readFile } from 'node:fs/promises';
import type { KeysetConfiguration } from '../config/configuration.js';
import { JwtrotError } from '../keyset/error.js';
import type { Key } from '../keyset/model.js';
import { quoteOutside } from '../keyset/outside-text.js';
import type { Environment } from './environment.js';
import type { Opened } from './open.js';

export interface FoundKey {
  readonly keyset: KeysetConfiguration;
  readonly key: Key;
}

const SHORTEST_PREFIX = 8;
const LONGEST_KEY_FILE = 64 * 1024;

/**
 * The key that `--kid` (whole, or a unique prefix) or `--key` (the leaked key itself) names, in the chosen keysets.
 * @throws JwtrotError kind `usage`
 */
export async function findKey(
  opened: Opened,
  options: { kid?: string; key?: string },
  environment: Environment,
): Promise<FoundKey> {
  const matches = await matcher(options, environment);
  const found: FoundKey[] = [];
  for (const keyset of opened.keysets) {
    const snapshot = await opened.store.readManifest(keyset.name);
    const keys = snapshot?.manifest.keys ?? [];
    const exact = keys.filter((key) => key.kid === options.kid);
    found.push(...(exact.length > 0 ? exact : keys.filter(matches)).map((key) => ({ keyset, key })));
  }
  const [first, ...others] = found;
  const where = `${opened.keysets.map((keyset) => keyset.name).join(', ')} in ${opened.store.description}`;
  if (first === undefined) {
    throw new JwtrotError('usage', 'no-such-key', `no key of ${where} is the one that was named; nothing was changed`, {
      hint: 'jwtrot status shows the kids; is this the right configuration and store?',
    });
  }
  if (others.length > 0) {
    const kids = found.map(({ keyset, key }) => `${keyset.name} ${key.kid}`).join(', ');
    throw new JwtrotError(
      'usage',
      'ambiguous-kid',
      `${quoteOutside(options.kid ?? '')} is not unique: ${kids}; nothing was changed`,
      {
        hint: 'give more characters of the kid, or --keyset',
      },
    );
  }
  return first;
}

async function matcher(
  options: { kid?: string; key?: string },
  environment: Environment,
): Promise<(key: Key) => boolean> {
  const { kid, key: file } = options;
  if ((kid === undefined) === (file === undefined)) {
    throw new JwtrotError('usage', 'which-key', 'name the key either by --kid or by --key; nothing was changed', {
      hint: 'jwtrot retire --kid KID',
    });
  }
  if (kid !== undefined) {
    if (kid.length < SHORTEST_PREFIX) {
      // A whole kid that is shorter (an imported one) is found by being equal.
      return (key) => key.kid === kid;
    }
    return (key) => key.kid.startsWith(kid);
  }
  const { parseKey } = await import('../keys/import-key.js');
  const text = await readKeyFile(file ?? '-', environment);
  try {
    const { thumbprint, privateKey } = await parseKey(text, { kind: 'any' });
    privateKey?.fill(0);
    return (key) => key.thumbprint === thumbprint;
  } finally {
    text.fill(0);
  }
}

/** A key from a file, or from standard input for `-`. The caller overwrites it. */
export async function readKeyFile(file: string, { stdin }: Environment): Promise<Buffer> {
  try {
    if (file !== '-') return await readFile(file);
    const chunks: Buffer[] = [];
    let length = 0;
    for await (const chunk of stdin) {
      chunks.push(chunk as Buffer);
      length += (chunk as Buffer).length;
      if (length > LONGEST_KEY_FILE) break;
    }
    const whole = Buffer.concat(chunks);
    for (const chunk of chunks) chunk.fill(0);
    return whole;
  } catch (cause) {
    const why = (cause as NodeJS.ErrnoException).code ?? 'unknown';
    throw new JwtrotError('usage', 'key-unreadable', `${file} can't be read (${why}); nothing was changed`, {
      hint: 'name a file that this user can read, or - for standard input',
      cause,
    });
  }
}
