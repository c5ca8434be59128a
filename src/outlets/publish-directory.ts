import { dirname, join } from 'node:path';
import { toSpkiPem } from '../keys/public-key.js';
import { quoteOutside } from '../keyset/basics/outside-text.js';
import { removeFile, replaceFile } from './atomic-file.js';
import type { PublishOutlet } from './configured.js';
import { publishText } from './content.js';
import { type OutletDirectory, openDirectory } from './directory.js';
import { takeLeakedFiles } from './leaked-files.js';
import { PEM_FILES } from './names.js';
import {
  findPemFile,
  isFileKid,
  observePemFiles,
  type PemEntry,
  pemFilesText,
  pemName,
  readPemFile,
  readPemFilesText,
} from './pem-files.js';
import { outletProblem } from './problem.js';
import { sharedFlaw } from './publish-file.js';
import { goneKeys } from './subtract.js';
import type { Putting, Target } from './target.js';

export type PublishDirectory = Extract<PublishOutlet, { type: 'directory' }>;

const EMPTY = pemFilesText([]);

/** A directory in which a verifier finds each key by its kid, in a PEM file of its own. */
export function publishDirectory(outlet: PublishDirectory): Target {
  return {
    label: outlet.path,
    kind: 'publish',
    format: outlet.format,
    isCommand: false,
    runs: 0,
    folder: outlet.path,
    name: PEM_FILES,
    openFolder: () => openDirectory(outlet.path, { follow: true }),
    flawOf: async ({ sharedWith }) => sharedFlaw(outlet, outlet.path, sharedWith),
    observe: (path) => observePemFiles(dirname(path), outlet.mode),
    holds(sight, content) {
      const text = publishText(content, outlet.format);
      return text === null || (sight.intact && (sight.text ?? EMPTY) === text);
    },
    async text(content) {
      const text = publishText(content, outlet.format);
      return text === null ? null : Buffer.from(text);
    },
    put: (putting) => putPemFiles(outlet, putting),
    byName: { find: findPemFile, takeLeaked: takeLeakedFiles },
  };
}

/**
 * A leaked key goes first, once the key that signs is there. Then new keys come before old ones go. So a verifier that
 * reads meanwhile lacks no key in use. One file that can't be written keeps neither the others from being written nor a
 * leaked key from going, but then old keys stay.
 */
async function putPemFiles(outlet: PublishDirectory, putting: Putting): Promise<void> {
  const { directory, bytes, content } = putting;
  if (bytes === null) return;
  const wanted = readPemFilesText(bytes.toString('utf8'));
  const surplus = surplusKids(putting, wanted);
  const leaked = leakedKids(putting);
  const remove = (kids: readonly string[]) =>
    eachOf(kids, (kid) =>
      named('cannot remove', directory, kid, async () => {
        // Whatever it is: the name of a known kid is jwtrot's.
        await removeFile(directory, pemName(kid));
      }),
    );
  const write = (entries: readonly PemEntry[]) =>
    eachOf(entries, (entry) => named('cannot write', directory, entry.kid, () => writeEntry(outlet, entry, putting)));
  const failed = await write(wanted.filter(({ kid }) => kid === content.active?.kid));
  failed.push(...(await remove(surplus.filter((kid) => leaked.has(kid)))));
  failed.push(...(await write(wanted)));
  if (failed.length === 0) failed.push(...(await remove(surplus.filter((kid) => !leaked.has(kid)))));
  if (failed.length > 0) throw failed[0];
}

async function named(doing: string, { path }: OutletDirectory, kid: string, act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (error) {
    throw outletProblem(`${doing} ${quoteOutside(join(path, pemName(kid)))}`, path, error);
  }
}

async function writeEntry({ mode }: PublishDirectory, entry: PemEntry, { directory, newId }: Putting): Promise<void> {
  // It was found like that and only stays: while keys are taken out, nothing else changes.
  if (entry.differs !== null || entry.publicJwk === null) return;
  const found = await readPemFile(directory.through, entry.kid, mode);
  if (found !== null && pemFilesText([found]) === pemFilesText([entry])) return;
  const file = { content: Buffer.from(toSpkiPem(entry.publicJwk)), mode, uid: -1, gid: -1, aside: PEM_FILES };
  await replaceFile(directory, pemName(entry.kid), file, newId());
}

/** Kids whose files go: all that were seen or may be there by their names, and that are not wanted. */
function surplusKids({ sight, content }: Putting, wanted: readonly PemEntry[]): string[] {
  const stays = new Set(wanted.map(({ kid }) => kid));
  const seen = (sight.keys ?? []).flatMap(({ kid }) => kid ?? []);
  return [...new Set([...seen, ...content.knownKids.filter(isFileKid)])].filter((kid) => !stays.has(kid));
}

/** One that was retired long ago may have been put back. */
function leakedKids({ sight: { keys }, content }: Putting): ReadonlySet<string | null> {
  const gone = [...goneKeys(content), ...content.retired];
  const pairs = new Set(gone.map(({ thumbprint }) => thumbprint));
  const held = (keys ?? []).filter(({ thumbprint }) => pairs.has(thumbprint));
  return new Set([...gone, ...held].map(({ kid }) => kid));
}

/** @returns the errors */
async function eachOf<T>(items: readonly T[], act: (item: T) => Promise<void>): Promise<unknown[]> {
  const failed: unknown[] = [];
  for (const item of items) await act(item).catch((error: unknown) => failed.push(error));
  return failed;
}
