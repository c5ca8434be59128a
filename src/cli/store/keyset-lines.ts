import type { StoredKeyset } from '../../store/directory/contents.js';

/** The most lines for people. `--json` has all. */
export const MOST_LINES = 20;

/** The first 20 lines, and how many more there are. */
export function bounded(lines: readonly string[]): readonly string[] {
  if (lines.length <= MOST_LINES) return lines;
  return [...lines.slice(0, MOST_LINES), `and ${lines.length - MOST_LINES} more (--json lists all)`];
}

/** What a backup or a restored store holds of a keyset. */
export function keysetLine({ name, manifest, keys }: StoredKeyset): string {
  const revision = manifest === null ? 'no manifest' : `revision ${manifest.revision}`;
  return `${name}: ${revision}, ${keys.length} wrapped ${keys.length === 1 ? 'key' : 'keys'}`;
}
