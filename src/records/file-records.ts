import { join } from 'node:path';
import * as v from 'valibot';
import { JwtrotError } from '../keyset/basics/error.js';
import { decodeJson } from '../keyset/basics/foreign-json.js';
import type { KeysetRecord } from '../keyset/history/record.js';
import { isBeyondReach, KEYSET_NAME } from '../keyset/manifest/model.js';
import { storeFailure } from '../outside/disk-failure.js';
import {
  type Files,
  makeFolder,
  namesIn,
  readRecord,
  realFiles,
  removeQuietly,
  syncFolder,
  unlessMissing,
  writeAside,
} from '../outside/durable-files.js';
import { errnoOf } from '../outside/errno.js';
import { unlessHanging } from '../outside/hanging.js';
import type { Records } from './records.js';

/*
 * Each state of a record is a separate file, `<keyset>/0000000007.json`, like a revision in the directory store. So a
 * crash tears nothing. If two processes write at once, one of them fails to link its file and tries again.
 */

export interface FileRecordsOptions {
  /** `<state>/records`; made when first needed. */
  readonly folder: string;
  readonly keyset: string;
  readonly files?: Files;
}

const NAME = /^(\d{10})\.json$/;
const KEPT = 4;
const ATTEMPTS = 50;

const text = v.pipe(v.string(), v.minLength(1), v.maxLength(4_096));
const schema = v.object({
  schema: v.literal(1),
  keyset: v.pipe(v.string(), v.regex(KEYSET_NAME)),
  lineage: text,
  revision: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
  commit: text,
  retired: v.array(v.object({ thumbprint: text, kid: text, isLeaving: v.optional(v.literal(true)) })),
  named: v.optional(v.array(v.object({ thumbprint: text, kid: text }))),
  outlets: v.array(v.object({ outlet: text, sha256: v.nullable(text) })),
});

/** Where the records of one keyset are. */
interface Place {
  readonly files: Files;
  readonly folder: string;
  readonly keyset: string;
}

export function createFileRecords({ folder: parent, keyset, files = realFiles }: FileRecordsOptions): Records {
  const folder = join(parent, keyset);
  const place = { files, folder, keyset };
  const what = `what this host remembers of keyset ${keyset}`;
  return {
    async read() {
      try {
        return (await unlessHanging(folder, () => newest(place))).record;
      } catch (error) {
        throw storeFailure(error, `read ${what}`, folder, 'nothing was changed');
      }
    },
    async update(change, { overDamaged = false } = {}) {
      try {
        await unlessHanging(folder, () => write(place, change, overDamaged));
      } catch (error) {
        throw storeFailure(error, `write ${what}`, folder, 'it remembers what it did');
      }
    },
  };
}

/** Number 0: there is none. */
async function newest({ files, folder, keyset }: Place): Promise<{ number: number; record: KeysetRecord | null }> {
  for (let listed = -1; ; ) {
    const number = (await numbersIn(files, folder)).at(-1) ?? 0;
    if (number === 0) return { number, record: null };
    const path = join(folder, nameOf(number));
    // No keyset gets this far, and no record could follow this number.
    if (isBeyondReach(number)) throw damaged(keyset, path);
    const stored = await readRecord(files, path, () => damaged(keyset, path));
    if (stored !== null) return { number, record: decode(stored, keyset, path) };
    if (listed === number) throw damaged(keyset, path);
    listed = number;
  }
}

async function write(place: Place, change: Parameters<Records['update']>[0], overDamaged: boolean): Promise<void> {
  const { files, folder, keyset } = place;
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const { number, record } = await (overDamaged ? newestOrDamaged(place) : newest(place));
    const next = change(record);
    if (next === null || next === record || (await append(files, folder, number + 1, next))) return;
  }
  throw new JwtrotError(
    'store',
    'record-busy',
    `what this host remembers of keyset ${keyset} could not be written: others write to ${folder} all the time`,
    { hint: 'run it again when no jwtrot is at work: jwtrot status' },
  );
}

async function newestOrDamaged(place: Place): Promise<{ number: number; record: KeysetRecord | null }> {
  try {
    return await newest(place);
  } catch (error) {
    if (!(error instanceof JwtrotError) || error.code !== 'record-damaged') throw error;
    await setAside(place);
    return { number: (await numbersIn(place.files, place.folder)).at(-1) ?? 0, record: null };
  }
}

/** Renames records with a number that jwtrot never reaches: no record could follow them. */
async function setAside({ files, folder }: Place): Promise<void> {
  for (const number of (await numbersIn(files, folder)).filter(isBeyondReach)) {
    const path = join(folder, nameOf(number));
    await files.rename(path, `${path}.foreign`);
  }
}

/** @returns false if another process wrote that number first, maybe so long ago that it is pruned */
async function append(files: Files, folder: string, number: number, record: KeysetRecord): Promise<boolean> {
  await makeFolder(files, folder, 'as above');
  const aside = await writeAside(files, folder, `${JSON.stringify({ schema: 1, ...record })}\n`, 'as above');
  try {
    await files.link(aside, join(folder, nameOf(number)));
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false;
    throw error;
  } finally {
    await removeQuietly(files, aside);
  }
  await syncFolder(files, folder);
  const numbers = await numbersIn(files, folder);
  const pruned = Math.max(number, ...numbers.filter((one) => !isBeyondReach(one))) - KEPT;
  for (const old of numbers.filter((one) => one <= pruned)) {
    await unlessMissing(files.unlink(join(folder, nameOf(old))), undefined);
  }
  // Whoever is late may find a name free that was taken before: what it wrote there nobody reads (docs/traces.md, 4).
  return number > pruned;
}

const nameOf = (number: number): string => `${String(number).padStart(10, '0')}.json`;

async function numbersIn(files: Files, folder: string): Promise<number[]> {
  const found = (await namesIn(files, folder)).flatMap((name) => NAME.exec(name)?.[1] ?? []);
  return found.map(Number).sort((a, b) => a - b);
}

function decode(stored: string, keyset: string, path: string): KeysetRecord {
  const decoded = decodeJson(stored);
  const parsed = v.safeParse(schema, decoded.ok ? decoded.value : null);
  if (!parsed.success || parsed.output.keyset !== keyset) throw damaged(keyset, path);
  const { schema: _, ...record } = parsed.output;
  return record;
}

function damaged(keyset: string, path: string): JwtrotError {
  return new JwtrotError(
    'refused',
    'record-damaged',
    `what this host remembers of keyset ${keyset} is damaged: ${path}; nothing was changed`,
    { hint: `jwtrot store recover --keyset ${keyset}` },
  );
}
