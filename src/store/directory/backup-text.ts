import { createHash } from 'node:crypto';
import * as v from 'valibot';
import type { Instant } from '../../keyset/basics/clock.js';
import { JwtrotError } from '../../keyset/basics/error.js';
import { decodeJson } from '../../keyset/basics/foreign-json.js';
import { isDamaged } from '../../keyset/manifest/encoding.js';
import { KEYSET_NAME, THUMBPRINT } from '../../keyset/manifest/model.js';
import { type CheckedKeyset, checkKeyset, type StoredKey, type StoredKeyset } from './contents.js';

/*
 * The text of a backup, schema 1 (docs/backup-format.md), in JSON Lines: a head, then per keyset one line and one for
 * each of its wrapped keys, then perhaps the KEK, and an end with a digest of all bytes before it.
 */

export interface Backup {
  readonly madeAt: Instant;
  /** The jwtrot that made it. */
  readonly by: string;
  readonly keysets: readonly StoredKeyset[];
  /** The line of the KEK's file, without the newline; null: the KEK is kept elsewhere. The caller overwrites it. */
  readonly kek: Uint8Array | null;
}

const FORMAT = 'jwtrot-backup';
const NEWLINE = 10;
// A string can't be overwritten, so the KEK never becomes one: this line is written and read as bytes.
const KEK_BEFORE = Buffer.from('{"type":"kek","kek":"');
const KEK_AFTER = Buffer.from('"}\n');

const text = v.string();
const sha256 = v.pipe(text, v.regex(/^[0-9a-f]{64}$/));
const time = v.pipe(text, v.isoTimestamp());
const keysetName = v.pipe(text, v.regex(KEYSET_NAME));
const head = v.strictObject({ format: v.literal(FORMAT), schema: v.literal(1), madeAt: time, by: text });
const keysetLine = v.strictObject({
  type: v.literal('keyset'),
  name: keysetName,
  revision: v.nullable(v.pipe(v.number(), v.safeInteger(), v.minValue(1))),
  sha256: v.nullable(sha256),
  manifest: v.nullable(text),
});
const keyLine = v.strictObject({
  type: v.literal('key'),
  keyset: keysetName,
  thumbprint: v.pipe(text, v.regex(THUMBPRINT)),
  goneAt: v.nullable(time),
  sha256,
  record: text,
});
const endLine = v.strictObject({ type: v.literal('end'), sha256 });

const digest = (content: string | Uint8Array): string => createHash('sha256').update(content).digest('hex');
const timeOf = (at: Instant): string => new Date(at).toISOString();
const lineOf = (value: object): Buffer => Buffer.from(`${JSON.stringify(value)}\n`);

/** The caller overwrites the result if it holds a KEK. */
export function encodeBackup({ madeAt, by, keysets, kek }: Backup): Buffer {
  const lines = [lineOf({ format: FORMAT, schema: 1, madeAt: timeOf(madeAt), by })];
  for (const { name, manifest, keys } of keysets) {
    const held = { revision: manifest?.revision ?? null, sha256: manifest === null ? null : digest(manifest.text) };
    lines.push(lineOf({ type: 'keyset', name, ...held, manifest: manifest?.text ?? null }));
    for (const { thumbprint, goneAt, text: record } of keys) {
      const gone = goneAt === null ? null : timeOf(goneAt);
      lines.push(lineOf({ type: 'key', keyset: name, thumbprint, goneAt: gone, sha256: digest(record), record }));
    }
  }
  const kekLine = kek === null ? null : Buffer.concat([KEK_BEFORE, kek, KEK_AFTER]);
  if (kekLine !== null) lines.push(kekLine);
  const body = Buffer.concat(lines);
  const whole = Buffer.concat([body, lineOf({ type: 'end', sha256: digest(body) })]);
  kekLine?.fill(0);
  body.fill(0);
  return whole;
}

/**
 * @param where the file, for errors
 * @throws JwtrotError kind `refused`: `backup-foreign`, `backup-schema`, `backup-damaged`
 */
export function decodeBackup(bytes: Buffer, where: string): Backup {
  const lines = linesOf(bytes);
  const { madeAt, by } = headOf(lines[0], where);
  const last = lines.at(-1);
  const end = last === undefined ? null : v.safeParse(endLine, jsonOf(last));
  if (last === undefined || end?.success !== true) throw damaged(where, 'it is cut off: its last line is missing');
  const body = bytes.subarray(0, bytes.length - last.length - 1);
  if (digest(body) !== end.output.sha256) throw damaged(where, 'its digest does not match its content');
  return { madeAt, by, ...itemsOf(lines.slice(1, -1), where) };
}

function linesOf(bytes: Buffer): Buffer[] {
  const lines: Buffer[] = [];
  for (let at = 0, end = bytes.indexOf(NEWLINE); end !== -1; at = end + 1, end = bytes.indexOf(NEWLINE, at)) {
    lines.push(bytes.subarray(at, end));
  }
  return lines;
}

/** Null: it is not JSON, or longer than any line can be. */
function jsonOf(line: Buffer): unknown {
  const decoded = decodeJson(line.toString('utf8'));
  return decoded.ok ? decoded.value : null;
}

function headOf(line: Buffer | undefined, where: string): Pick<Backup, 'madeAt' | 'by'> {
  const found = line === undefined ? null : jsonOf(line);
  const parsed = v.safeParse(head, found);
  if (parsed.success) return { madeAt: Date.parse(parsed.output.madeAt), by: parsed.output.by };
  const { format, schema } = (found ?? {}) as { format?: unknown; schema?: unknown };
  if (format === FORMAT && typeof schema === 'number' && schema > 1) {
    throw new JwtrotError(
      'refused',
      'backup-schema',
      `${where} is a backup of schema ${schema}, this jwtrot knows 1; nothing was restored`,
      {
        hint: 'upgrade jwtrot on this host',
      },
    );
  }
  if (format === FORMAT) throw damaged(where, 'this jwtrot does not know its first line');
  throw new JwtrotError('refused', 'backup-foreign', `${where} is no backup of jwtrot's; nothing was restored`, {
    hint: 'name the file that jwtrot store backup wrote',
  });
}

interface Collected {
  readonly name: string;
  readonly manifest: StoredKeyset['manifest'];
  readonly keys: StoredKey[];
}

function itemsOf(lines: readonly Buffer[], where: string): Pick<Backup, 'keysets' | 'kek'> {
  const keysets = new Map<string, Collected>();
  let kek: Uint8Array | null = null;
  for (const line of lines) {
    const found = kekIn(line);
    if (found === null) addItem(jsonOf(line), keysets, where);
    else kek = found;
  }
  return { keysets: [...keysets.values()], kek };
}

function kekIn(line: Buffer): Uint8Array | null {
  const after = KEK_AFTER.length - 1;
  if (!line.subarray(0, KEK_BEFORE.length).equals(KEK_BEFORE)) return null;
  return Uint8Array.from(line.subarray(KEK_BEFORE.length, line.length - after));
}

function addItem(item: unknown, keysets: Map<string, Collected>, where: string): void {
  const keyset = v.safeParse(keysetLine, item);
  if (keyset.success) {
    const { name, revision, sha256: sum, manifest } = keyset.output;
    if (keysets.has(name)) throw damaged(where, `keyset ${name} is in it twice`);
    const held = manifest === null || revision === null ? null : { revision, text: manifest };
    if (held !== null && digest(held.text) !== sum)
      throw damaged(where, `the manifest of keyset ${name} has another digest`);
    keysets.set(name, { name, manifest: held, keys: [] });
    return;
  }
  const key = v.safeParse(keyLine, item);
  if (!key.success) throw damaged(where, 'it has a line that this jwtrot does not know');
  const { keyset: name, thumbprint, goneAt, sha256: sum, record } = key.output;
  const owner = keysets.get(name);
  if (owner === undefined || digest(record) !== sum)
    throw damaged(where, `key ${thumbprint} of keyset ${name} has another digest, or no keyset`);
  const gone = goneAt === null ? null : Date.parse(goneAt);
  // In the store each would have the same file.
  if (owner.keys.some((one) => one.thumbprint === thumbprint && one.goneAt === gone))
    throw damaged(where, `key ${thumbprint} of keyset ${name} is in it twice`);
  owner.keys.push({ thumbprint, goneAt: gone, text: record });
}

const HINT = 'take another backup; this one can be looked at with an editor: docs/backup-format.md';

function damaged(where: string, why: string): JwtrotError {
  const text = `the backup ${where} is damaged: ${why}; nothing was restored`;
  return new JwtrotError('refused', 'backup-damaged', text, { hint: HINT });
}

/** The same checks as on a store, but a backup's errors do not advise to recover the store or to restore a backup. */
export async function checkBackedUp(
  keyset: StoredKeyset,
  options: Parameters<typeof checkKeyset>[1],
): Promise<CheckedKeyset> {
  try {
    return await checkKeyset(keyset, options);
  } catch (error) {
    if (!isDamaged(error) && !(error instanceof JwtrotError && error.code === 'key-damaged')) throw error;
    throw new JwtrotError('refused', 'backup-damaged', error.message, { hint: HINT, cause: error });
  }
}
