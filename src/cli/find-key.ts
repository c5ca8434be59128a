import { type Duration, SECOND } from '../keyset/basics/clock.js';
import { JwtrotError } from '../keyset/basics/error.js';
import { isDamaged } from '../keyset/manifest/encoding.js';
import type { KeysetContext } from '../rollout/context.js';
import { withoutState } from '../rollout/other-history.js';
import { isTransient, Patience, patientStore } from '../rollout/patience.js';
import type { Store } from '../store/store.js';
import type { Environment } from './environment.js';
import { asKnownHere, findRemembered } from './find-renamed.js';
import { findStray } from './find-stray.js';
import { ambiguous, foundTogether } from './found-together.js';
import { readKeyFile, withFile } from './key-file.js';
import { chosen, type FoundKey, type KeySearch, type Named, type SearchedKeyset, type SeenStore } from './named.js';
import { noSuchKey, tooShort, unknownBeside } from './no-such-key.js';
import type { Output } from './output/output.js';
import { type RememberedKey, retiredHere, waitingText } from './remembered.js';

type Place = Pick<SearchedKeyset, 'keyset' | 'context'>;

/** How long to ask the store before the outlets: a key in an outlet can be taken out without the store. */
const BRIEFLY: Duration = 3 * SECOND;

/**
 * Finds the key that `--kid` (whole, or a unique prefix) or `--key` (the leaked key itself) names in the chosen
 * keysets: in the manifest, else in outlets, else from the leaked key alone. If the manifest names pairs differently,
 * this host's knowledge wins. A keyset that can't be read is named, and the search goes on in the others; all that may
 * be known of it is that this host retired the key.
 * @param places the chosen keysets
 * @throws JwtrotError kind `usage`; or the error that kept a keyset from being read, if no other has the key
 */
export async function findKey(
  places: readonly Place[],
  options: { kid?: string; key?: string; deadline: Duration },
  environment: Environment,
  output: Output,
): Promise<KeySearch | readonly RememberedKey[]> {
  const named = await namedKey(options, environment);
  const { clock } = environment;
  let searched = await readKeysets(places, new Patience(clock, clock.monotonic() + BRIEFLY), () => {});
  let found = await search(searched, named);
  if (found.length === 0 && searched.some(({ seen }) => isTransient(seen.failure))) {
    // Nothing here can be taken out yet, so wait for the store.
    const [remembered] = (await retiredHere(searched, named)).keys;
    if (remembered !== undefined && !output.json) output.say(waitingText(remembered), 'warning');
    searched = await readKeysets(places, new Patience(clock, options.deadline));
    found = await search(searched, named);
  }
  if (found.length === 0) return onlyRemembered(searched, named);
  const together = foundTogether(found, named);
  for (const { keyset, seen } of searched) {
    if (together.some((one) => one.keyset === keyset) || seen.failure === null) continue;
    const { message, hint = null } = seen.failure;
    output.problem(`keyset ${keyset.name} was not searched: ${withoutState(message)}`, hint);
  }
  return { named, searched, found: await Promise.all(together.map((one) => asKnownHere(one, named))) };
}

/** @throws JwtrotError if this host does not remember the key either */
async function onlyRemembered(searched: readonly SearchedKeyset[], named: Named): Promise<readonly RememberedKey[]> {
  const { keys, unread } = await retiredHere(searched, named);
  if (keys.length === 0)
    throw tooShort(searched, named) ?? unknownBeside(searched, named, unread) ?? noSuchKey(searched, named);
  // A key that several keysets may have had was retired in each of them.
  if (new Set(keys.map(({ kid }) => kid)).size > 1)
    throw ambiguous(
      keys.map(({ keyset, kid }) => ({ keyset: keyset.name, kid })),
      named,
    );
  return keys;
}

/** Reads each keyset from the store, as far as it answers in time. */
function readKeysets(
  places: readonly Place[],
  patience: Patience,
  report?: KeysetContext['report'],
): Promise<readonly SearchedKeyset[]> {
  return Promise.all(places.map((place) => readKeyset(place, patience, report)));
}

/** @param report absent: the context's own */
export async function readKeyset(
  { keyset, context }: Place,
  patience: Patience,
  report = context.report,
): Promise<SearchedKeyset> {
  const seen = await seenIn(patientStore({ ...context, report }, patience), keyset.name);
  return { keyset, context, seen, keys: seen.manifest?.keys ?? [] };
}

export async function search(searched: readonly SearchedKeyset[], named: Named): Promise<readonly FoundKey[]> {
  const known = searched.flatMap(({ keyset, context, seen, keys }): FoundKey[] =>
    chosen(keys, named).map((key) => ({ keyset, context, seen, key, stray: null })),
  );
  const stray = known.length > 0 ? known : await strays(searched, named);
  return stray.length > 0 ? stray : findRemembered(searched, named);
}

/** A key given by `--key` may belong to any keyset: it is the one whose record remembers it. */
async function strays(searched: readonly SearchedKeyset[], named: Named): Promise<readonly FoundKey[]> {
  try {
    return await findStray(searched, named);
  } catch (error) {
    if (!(error instanceof JwtrotError) || error.code !== 'no-such-key') throw error;
    const { keys, unread } = await retiredHere(searched, named);
    const remembering = searched.filter(({ keyset }) => keys.some((one) => one.keyset === keyset));
    if (remembering.length === 1) return findStray(remembering, named);
    throw unknownBeside(searched, named, unread) ?? error;
  }
}

/** Reads a keyset. If the store is damaged or fails, an older manifest knows some keys and outlets know others. */
async function seenIn(store: Store, keyset: string): Promise<SeenStore> {
  try {
    return { manifest: (await store.readManifest(keyset))?.manifest ?? null, failure: null };
  } catch (error) {
    if (!(error instanceof JwtrotError)) throw error;
    const salvaged = isDamaged(error) ? await store.salvage(keyset).catch(() => null) : null;
    const base = salvaged?.base.manifest ?? null;
    // Revision 0 means that no sound manifest was found.
    return { manifest: base !== null && base.revision > 0 ? base : null, failure: error };
  }
}

async function namedKey(options: { kid?: string; key?: string }, environment: Environment): Promise<Named> {
  const { kid, key: file } = options;
  if ((kid === undefined) === (file === undefined)) {
    throw new JwtrotError('usage', 'which-key', 'name the key either by --kid or by --key; nothing was changed', {
      hint: 'jwtrot retire --kid KID',
    });
  }
  if (kid !== undefined) return { kid, key: null };
  const { parseKey } = await import('../keys/import-key.js');
  const text = await readKeyFile(file ?? '-', 'found', environment);
  try {
    const { privateKey, ...publicHalf } = await parseKey(text, { kind: 'any' });
    privateKey?.fill(0);
    return { kid: null, key: publicHalf };
  } catch (error) {
    throw withFile(error, file ?? '-', 'found');
  } finally {
    text.fill(0);
  }
}
