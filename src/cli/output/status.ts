import type { Instant } from '../../keyset/basics/clock.js';
import { approximateDuration } from '../../keyset/basics/duration.js';
import type { Key } from '../../keyset/manifest/key.js';
import { activeKey } from '../../keyset/questions/keys.js';
import { signersRecheckAt } from '../../keyset/questions/slow-reload.js';
import { afterBackoff, upcomingOf } from '../../keyset/questions/upcoming.js';
import type { Opened } from '../open.js';
import type { KeysetStatus } from './keyset-status.js';
import { type Palette, printable, type Screen } from './paint.js';
import { notesOf } from './status-notes.js';
import { fitsInto, renderTable } from './table.js';
import { dueText, runText } from './words.js';
import { wrap } from './wrap.js';

/** The shortest prefix of a kid that `--kid` takes. */
const SHORTEST = 8;

const PAINT: Readonly<Record<string, keyof Palette & ('green' | 'cyan' | 'yellow' | 'red' | 'dim')>> = {
  active: 'green',
  pending: 'cyan',
  creating: 'cyan',
  deprecated: 'dim',
  retired: 'red',
};

const HEADER = ['KEYSET', 'KEY', 'STATE', 'FOR', 'KID', 'ALG', 'NEXT'];
/** Index in `HEADER`. */
const KID = 4;

/** What a tired person reads in three seconds. It does not show tombstones. In a pipe each key is one line. */
export function statusTable(all: readonly KeysetStatus[], now: Instant, opened: Opened, screen: Screen): string {
  const { color, columns } = screen;
  const { rows, notes } = statusRows(all, now, color);
  const where = color.dim(`store: ${opened.store.description}`);
  const wrapped = [...notes, where].map((line) => wrap(line, columns));
  return [fitted(rows, all, screen), ...wrapped].join('\n');
}

/** What fits the terminal: the whole table, one with short kids, or several lines per key. */
function fitted(rows: string[][], all: readonly KeysetStatus[], screen: Screen): string {
  const { columns } = screen;
  if (fitsInto(columns, HEADER, rows)) return renderTable(HEADER, rows, screen);
  const short = rows.map((row) => row.with(KID, shortened(row[KID] ?? '', all)));
  if (fitsInto(columns, HEADER, short)) return renderTable(HEADER, short, screen);
  return rows
    .map(([keyset, version, state, age, kid = '', alg, next]) =>
      [
        wrap(`${keyset === '' ? '' : `${keyset} `}${version} ${state} ${age} ${alg}`, columns),
        printable(`  ${kid.length + 2 > columns ? shortened(kid, all) : kid}`),
        ...(next === '' ? [] : [wrap(`  ${next}`, columns)]),
      ].join('\n'),
    )
    .join('\n');
}

/** Enough characters to tell a key from all others, and no fewer than `--kid` takes. */
function shortened(kid: string, all: readonly KeysetStatus[]): string {
  const others = all.flatMap(({ manifest }) => manifest?.keys ?? []).filter((key) => key.kid !== kid);
  for (let length = SHORTEST; length < kid.length - 1; length += 1) {
    const prefix = kid.slice(0, length);
    if (!others.some((key) => key.kid.startsWith(prefix))) return `${prefix}…`;
  }
  return kid;
}

function statusRows(all: readonly KeysetStatus[], now: Instant, color: Palette): { rows: string[][]; notes: string[] } {
  const rows: string[][] = [];
  const notes: string[] = [];
  for (const one of all) {
    const { keyset, manifest, failure } = one;
    const state = failure === undefined ? color.yellow('none') : color.red('unreadable');
    const keys = [...(manifest?.keys ?? [])]
      .filter((key) => key.state !== 'destroyed')
      .sort((a, b) => b.version - a.version);
    keys.forEach((key, i) => {
      const paint = color[PAINT[key.state] ?? 'dim'];
      rows.push([
        i === 0 ? color.bold(keyset.name) : '',
        `v${key.version}`,
        paint(key.state),
        approximateDuration(now - since(key)),
        key.kid,
        key.alg,
        fate(key, one, now),
      ]);
    });
    if (keys.length === 0) rows.push([color.bold(keyset.name), '-', state, '-', '-', keyset.policy.alg, '']);
    // A failure is printed as an error, with its hint.
    if (failure === undefined) notes.push(...notesOf(one, now, color));
  }
  return { rows, notes };
}

/** Since when a key is in its state. */
function since(key: Key): Instant {
  if (key.state === 'creating') return key.createdAt;
  return key.destroyedAt ?? key.retiredAt ?? key.deprecatedAt ?? key.activatedAt ?? key.createdAt;
}

function fate(key: Key, one: KeysetStatus, now: Instant): string {
  if (key.state === 'active' || key.state === 'pending' || key.state === 'creating') return futureOf(key, one, now);
  if (key.state === 'deprecated') return `${key.reason === 'failed' ? 'failed; ' : ''}${deprecatedFate(key, one, now)}`;
  if (key.droppedAt === null) return `${key.reason}; verifiers may still accept it`;
  const next = datedNext(key, one, now);
  return next === null ? `${key.reason}` : `${key.reason}; ${next}`;
}

/** What comes next for a key, if its date is known: the one that the last line of `rotate` names if nothing comes before. */
function datedNext(key: Key, { keyset, manifest }: KeysetStatus, now: Instant): string | null {
  const next = manifest === null ? null : upcomingOf(manifest, keyset.policy, key, now);
  if (next?.at == null || !Number.isFinite(next.at)) return null;
  return `${next.action === 'destroy' ? 'destroyed' : next.action} ${dueText(next.at, now)}`;
}

/** What comes next for a key that signs, or will sign. */
function futureOf(key: Key, { keyset, manifest }: KeysetStatus, now: Instant): string {
  const next = manifest === null ? null : upcomingOf(manifest, keyset.policy, key, now);
  if (next === null) return '';
  if (next.at === null) return next.reason;
  if (!Number.isFinite(next.at)) return 'waits for verifiers';
  if (next.action === 'activate') return `${next.kid === key.kid ? 'signs' : next.reason} ${dueText(next.at, now)}`;
  return `${next.action === 'stage' ? 'successor' : next.action} ${dueText(next.at, now)}`;
}

function deprecatedFate(key: Key, one: KeysetStatus, now: Instant): string {
  // As long as signers may go back to it, that comes first.
  const next = key.signedUntil === null ? null : datedNext(key, one, now);
  if (next !== null) return next;
  const { manifest } = one;
  const active = manifest === null || manifest.rollout?.phase === 'switch' ? null : activeKey(manifest);
  const owed = manifest === null || active === null ? Number.POSITIVE_INFINITY : signersRecheckAt(manifest, active);
  if (manifest === null || !Number.isFinite(owed)) return 'verifies; signers are awaited';
  return `verifies; signers are looked at again ${runText(afterBackoff(owed, manifest), now)}`;
}
