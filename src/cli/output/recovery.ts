import { quoteOutside } from '../../keyset/basics/outside-text.js';
import type { Evidence, OutletEvidence, ServiceEvidence } from '../../keyset/recovery/evidence.js';
import { numbers } from '../../keyset/recovery/recovered.js';
import type { Fate, Recovery } from '../../keyset/recovery/recovery.js';
import type { Palette, Screen } from './paint.js';
import { breakText } from './recovery-text.js';
import { renderTable } from './table.js';
import { shortKid } from './words.js';
import { wrap } from './wrap.js';

/** Who knows what about a keyset, and what happens to each key. People read it at 3 a.m. */
export function recoveryTables(evidence: Evidence, recovery: Recovery, store: string, screen: Screen): string {
  const { outlets, services } = evidence;
  const { color, columns } = screen;
  const name = namer(recovery);
  const keys = recovery.fates.filter(
    ({ becomes, known }) => becomes !== 'tombstone' && known.key?.state !== 'destroyed',
  );
  const tables = [
    { header: ['KEY', 'STORE', 'SECRET', 'BECOMES', 'WHY'], rows: keys.map((fate) => keyRow(fate, name, color)) },
    { header: ['OUTLET', 'AS GIVEN', 'RECORD', 'HOLDS'], rows: outlets.map((one) => outletRow(one, name, color)) },
    { header: ['SERVICE', 'SIGNS', 'ACCEPTS'], rows: services.map((one) => serviceRow(one, name, color)) },
  ];
  const head = headOf(evidence, recovery, store).map((line) => wrap(line, columns, 11));
  const shown = tables.filter(({ rows }) => rows.length > 0);
  return [head.join('\n'), ...shown.map(({ header, rows }) => renderTable(header, rows, screen))].join('\n\n');
}

function headOf(evidence: Evidence, { because }: Recovery, store: string): string[] {
  const { manifest, record, keyset } = evidence;
  const remembered =
    record === null || record === 'damaged'
      ? (record ?? 'nothing')
      : `revision ${record.revision}, ${record.retired.length} retired`;
  const stored =
    manifest === null
      ? 'nothing'
      : `revision ${manifest.revision} of ${new Date(manifest.commits.at(-1)?.at ?? 0).toISOString()}`;
  return [
    `keyset     ${keyset}`,
    `store      ${store}: ${stored}`,
    `this host  remembers ${remembered}`,
    `so         ${breakText(because, evidence)}`,
  ];
}

type Namer = (kid: string) => string;

/** `v3` if the manifest has the key; otherwise the beginning of its kid. */
function namer({ fates }: Recovery): Namer {
  const versions = new Map(fates.map(({ known }) => [known.kid, known.key?.version]));
  return (kid) => {
    const version = versions.get(kid);
    return version === undefined ? quoteOutside(shortKid(kid)).slice(1, -1) : `v${version}`;
  };
}

const PAINT = {
  active: 'green',
  pending: 'cyan',
  retired: 'red',
  tombstone: 'red',
  same: 'dim',
  left: 'yellow',
} as const;

function keyRow({ known, becomes, why }: Fate, name: Namer, color: Palette): string[] {
  const { key, kid, secret } = known;
  const named = name(kid);
  const text = becomes === 'same' ? (key?.state ?? 'retired') : becomes;
  return [
    key === null ? named : `${named} ${quoteOutside(shortKid(kid)).slice(1, -1)}`,
    key?.state ?? 'unknown',
    secret === 'none' ? '-' : secret,
    becomes === 'deprecated' ? text : color[PAINT[becomes]](text),
    why,
  ];
}

function outletRow({ outlet, isGiven, record, keys, problem }: OutletEvidence, name: Namer, color: Palette): string[] {
  const said = typeof record === 'string' ? record : `revision ${record.revision}`;
  const held = (keys ?? []).map(({ kid, thumbprint }) => name(kid ?? thumbprint)).join(' ');
  const holds = problem !== null ? color.red(problem) : keys === null ? 'nothing' : held || 'no key';
  return [
    outlet,
    isGiven ? 'yes' : keys === null ? '-' : color.yellow('no'),
    said === 'damaged' ? color.red(said) : said,
    holds,
  ];
}

function serviceRow({ service, instance, kid, kids, error }: ServiceEvidence, name: Namer, color: Palette): string[] {
  return [
    service === instance ? service : `${service}/${quoteOutside(instance).slice(1, -1)}`,
    kid === null ? '-' : name(kid),
    error === null ? kids.map(name).join(' ') || '-' : color.red(error),
  ];
}

/** `--json`. */
export function recoveryDocument(evidence: Evidence, recovery: Recovery, next: string | null): object {
  const { keyset, manifest, record, outlets, services } = evidence;
  const numbered = numbers(manifest, recovery.fates);
  return {
    name: keyset,
    because: recovery.because?.why ?? null,
    store: manifest === null ? null : { revision: manifest.revision, lineage: manifest.lineage },
    remembered:
      record === null || record === 'damaged'
        ? record
        : { revision: record.revision, lineage: record.lineage, retired: record.retired.length },
    revision: recovery.revision,
    keys: recovery.fates.map((fate) => fateDocument(fate, numbered.get(fate) ?? null)),
    outlets: outlets.map(({ outlet, isGiven, record: said, keys, problem }) => ({
      outlet,
      asGiven: isGiven,
      record: said,
      holds: keys?.map(({ kid, thumbprint }) => kid ?? thumbprint) ?? null,
      problem,
    })),
    services: services.map(({ service, instance, kid, kids, error }) => ({ service, instance, kid, kids, error })),
    strangeKids: recovery.strange,
    mended: recovery.mended,
    next,
  };
}

/** @param number the version of a key that enters the manifest; null: the key does not */
function fateDocument({ known, becomes, why }: Fate, number: number | null): object {
  return {
    kid: known.kid,
    thumbprint: known.thumbprint,
    version: known.key?.version ?? number,
    was: known.key?.state ?? null,
    becomes: becomes === 'same' ? (known.key?.state ?? 'retired') : becomes,
    why,
    secret: known.secret,
    retiredBy: known.retiredBy,
    outlets: [...known.publishedIn, ...known.deliveredIn],
    unproven: known.seenIn,
    services: [...new Set([...known.signedBy, ...known.acceptedBy])],
  };
}
