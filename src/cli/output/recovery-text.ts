import { quoteOutside } from '../../keyset/basics/outside-text.js';
import type { Break } from '../../keyset/recovery/doubt.js';
import type { Evidence } from '../../keyset/recovery/evidence.js';
import type { KnownKey } from '../../keyset/recovery/known.js';
import { numbers } from '../../keyset/recovery/recovered.js';
import { isSecondHost, type Recovery } from '../../keyset/recovery/recovery.js';
import { shortKid } from './words.js';

/** Says in one line what is wrong. */
export function breakText(because: Break | null, evidence: Evidence): string {
  if (because === null) {
    if (isSecondHost(evidence)) return 'another host has recovered: what this host knows as retired is added';
    return 'the store holds the history that this host knows';
  }
  const record = typeof evidence.record === 'object' ? evidence.record : null;
  switch (because.why) {
    case 'lost':
      return 'the store has no manifest of it, and somebody here knows one: it was lost';
    case 'damaged':
      return `${evidence.damage?.what}: what this host, outlets and services know is put together with the newest that is sound`;
    case 'lineage':
      return 'the store holds another history than this host knows';
    case 'lower-revision':
      return `the store holds revision ${evidence.manifest?.revision}, this host has seen revision ${record?.revision}: an older copy was restored`;
    case 'commit':
      return `the store holds another revision ${record?.revision} than this host has seen: an older copy was restored, and written to since`;
    case 'retired-key':
      return `${shortKid(because.kid)} is in use there, and this host has seen it retired`;
    case 'renamed':
      return `${shortKid(because.kid)} names another key there than this host has published, or is named otherwise: names go by what was published`;
    case 'secret-gone':
      return `${shortKid(because.kid)} is in use there, and its secret is gone or its deletion was ordered`;
    case 'unpublished':
      return `${shortKid(because.kid)} is held here, and the store has not published it yet: an older copy was restored`;
    case 'outlet-ahead':
      return `${because.outlet} was written from another history or a later revision than the store holds`;
    case 'later-secret':
      return `the store holds the secret of a key that its manifest has never known: ${shortKid(because.thumbprint)}`;
  }
}

/** Who signs from then on. */
function signingSteps({ fates, roles }: Recovery): string[] {
  const steps: string[] = [];
  const active = fates.find(({ becomes }) => becomes === 'active')?.known;
  if (active !== undefined) steps.push(`let ${shortKid(active.kid)} sign`);
  if (roles !== null && roles.active === null) {
    const next = roles.pending;
    if (next === null) steps.push('let no key sign: none has its private half; rotate makes one');
    else steps.push(`let ${shortKid(next.kid)} sign as soon as every verifier has shown that it accepts it`);
  }
  if (roles?.activeIsInFile) steps.push(`store its private half anew, from ${active?.privateIn[0]}`);
  return steps;
}

/** What the recovery will do, one line per step. */
export function stepsText(recovery: Recovery, evidence: Evidence): string[] {
  const { because, fates, mended, revision, unfinished } = recovery;
  const kids = (...what: (typeof fates)[number]['becomes'][]) =>
    fates.filter(({ becomes }) => what.includes(becomes)).map(({ known }) => shortKid(known.kid));
  const steps: string[] = [];
  if (because !== null && revision !== null)
    steps.push(`begin another history at revision ${revision}, which names the former ones`);
  steps.push(...signingSteps(recovery));
  const verifying = kids('deprecated', 'pending');
  if (verifying.length > 0) steps.push(`let ${verifying.join(', ')} verify`);
  const retired = kids('retired');
  if (retired.length > 0)
    steps.push(`retire ${retired.join(', ')}: nobody may accept ${retired.length === 1 ? 'it' : 'them'} any more`);
  const tombstones = kids('tombstone');
  if (tombstones.length > 0)
    steps.push(
      `remember ${tombstones.length} more ${tombstones.length === 1 ? 'key' : 'keys'} as retired: ${listed(tombstones)}`,
    );
  const unseen = fates.filter(({ becomes, known }) => becomes === 'tombstone' && isUnseen(known));
  if (unseen.length > 0) {
    const all = listed(unseen.map(({ known }) => quoteOutside(known.kid)));
    steps.push(`no key that was found here has the kid ${all}: it is remembered as retired by that kid alone`);
  }
  const numbered = [...numbers(evidence.manifest, fates)].filter(([{ becomes }]) => becomes !== 'tombstone');
  if (numbered.length > 0) {
    const named = listed(numbered.map(([{ known }, version]) => `${shortKid(known.kid)} as v${version}`));
    steps.push(`number what the store does not know: ${named} (which number it had went with the lost history)`);
  }
  if (unfinished !== null) steps.push(`store ${shortKid(unfinished.kid)}, which a former recovery has named`);
  if (evidence.record === 'damaged') steps.push('make what this host remembers anew');
  if (mended.length > 0)
    steps.push(`make the ${mended.length === 1 ? 'record' : 'records'} beside ${mended.join(', ')} anew`);
  const left = fates.filter(({ becomes, known }) => becomes === 'left' && known.secret !== 'none');
  if (left.length > 0)
    steps.push(
      `leave ${left.map(({ known }) => shortKid(known.kid)).join(', ')} alone: ${secretProblem(evidence, left[0]?.known.thumbprint)}`,
    );
  return steps;
}

/** Only the operator named the key, and only by its kid, so it may be a typing error. */
function isUnseen({ retiredBy, key, publicJwk, seenIn, signedBy, acceptedBy, secret }: KnownKey): boolean {
  const isTold = retiredBy.every((who) => who === 'the operator') && key === null && publicJwk === null;
  return isTold && secret === 'none' && seenIn.length + signedBy.length + acceptedBy.length === 0;
}

/** As many as a person will read. `--json` has all. */
const MOST_LISTED = 20;

function listed(names: readonly string[]): string {
  const more = names.length - MOST_LISTED;
  return more > 0 ? `${names.slice(0, MOST_LISTED).join(', ')} and ${more} more (--json names each)` : names.join(', ');
}

function secretProblem({ secrets }: Evidence, thumbprint: string | undefined): string {
  return secrets.find((secret) => secret.thumbprint === thumbprint)?.problem ?? 'nothing can be done with it';
}

/** The command to run after the recovery. */
export function nextCommand(recovery: Recovery, isElsewhere: boolean, keyset: string | null): string {
  const signs = recovery.roles === null || recovery.roles.active !== null || recovery.roles.pending !== null;
  const options = [
    isElsewhere ? ' --take-over' : '',
    signs ? '' : ' --immediate',
    keyset === null ? '' : ` --keyset ${keyset}`,
  ];
  return `jwtrot rotate${options.join('')}`;
}
