import { lstat } from 'node:fs/promises';
import { thumbprintOf } from '../keys/thumbprint.js';
import type { KeysetRecord } from '../keyset/history/record.js';
import { THUMBPRINT } from '../keyset/manifest/model.js';
import type { OutletContent } from '../keyset/published/jwk-set.js';
import { removeFile } from './atomic-file.js';
import type { OutletDirectory } from './directory.js';
import { OBSERVE_LIMIT } from './limits.js';
import type { Elsewhere } from './outlet.js';
import { isFileKid, kidsIn, MOST_KEYS, MOST_NAMES, pemName, readPemFile } from './pem-files.js';
import type { Place } from './place.js';
import { readOutletRecord } from './record.js';
import { goneKeys } from './subtract.js';

/*
 * In an incident the files with the names of leaked keys go first, before anything else in the directory is looked at:
 * others may have filled it with what takes long to read.
 */

/**
 * Takes them out of an outlet that has a file for each key, but not out of one of another keyset, nor with a manifest that
 * is older than what this host has seen.
 * @returns the kids whose files went
 */
export async function takeLeaked(
  { target: { byName, name }, directory, reach }: Place,
  remembered: KeysetRecord | null,
  content: OutletContent,
  otherHistory: Elsewhere,
): Promise<readonly string[]> {
  const isOlder = remembered?.lineage === content.lineage && remembered.revision > content.revision;
  if (byName === undefined || (isOlder && otherHistory === false)) return [];
  const likely = [...content.published, ...(remembered?.named ?? [])].map(({ kid }) => kid);
  const take = async () => {
    const record = await readOutletRecord(directory, name);
    if (typeof record !== 'string' && record.keyset !== content.keyset) return [];
    // With another history no key is added, so the one that signs need not be there first.
    const stays = otherHistory === false ? content : { ...content, active: null };
    return byName.takeLeaked(directory, stays, likely);
  };
  // What it could not do, the look that follows shows.
  return reach.within(OBSERVE_LIMIT.hurried, take).catch(() => []);
}

/**
 * Removes them. What can't be removed, and every other file that holds a leaked key, is left to what follows.
 * @param likely kids whose files may hold keys that stay
 * @returns the kids whose files went
 */
export async function takeLeakedFiles(
  directory: OutletDirectory,
  content: OutletContent,
  likely: readonly string[],
): Promise<string[]> {
  const gone = goneKeys(content).filter(({ kid }) => isFileKid(kid));
  const there = await filtered(gone, ({ kid }) => isThere(directory, kid));
  if (there.length === 0) return [];
  if (!content.allowEmpty && !(await holdsAnother(directory.through, content, likely))) return [];
  const taken = await filtered(there, ({ kid }) => removeFile(directory, pemName(kid)).catch(() => false));
  return taken.map(({ kid }) => kid);
}

async function isThere({ through }: OutletDirectory, kid: string): Promise<boolean> {
  const found = await lstat(`${through}/${pemName(kid)}`).catch(() => null);
  return found !== null && !found.isDirectory();
}

/** Whether the key that signs is there; if none is known, any that stays: the only one never goes unasked. */
async function holdsAnother(folder: string, content: OutletContent, likely: readonly string[]): Promise<boolean> {
  const { active, published } = content;
  const gone = goneKeys(content);
  const stays = async (kid: string) => {
    const found = await readPemFile(folder, kid, 0);
    if (found?.publicJwk == null) return false;
    const thumbprint = await thumbprintOf(found.publicJwk);
    return gone.every((key) => key.kid !== kid && key.thumbprint !== thumbprint);
  };
  if (active !== null && published.some(({ kid }) => kid === active.kid))
    return isFileKid(active.kid) && stays(active.kid);
  const isAny = async (kids: readonly string[]) => {
    for (const kid of kids) if (await stays(kid)) return true;
    return false;
  };
  if (await isAny(likely.filter(isFileKid))) return true;
  const kids = (await kidsIn(folder, MOST_NAMES)) ?? [];
  // By default a kid is its key's thumbprint.
  const sorted = [...kids.filter((kid) => THUMBPRINT.test(kid)), ...kids.filter((kid) => !THUMBPRINT.test(kid))];
  return isAny(sorted.slice(0, MOST_KEYS));
}

async function filtered<T>(items: readonly T[], test: (item: T) => Promise<boolean>): Promise<T[]> {
  const passed = await Promise.all(items.map(test));
  return items.filter((_, i) => passed[i]);
}
