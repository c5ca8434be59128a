import { approximateDuration } from '../keyset/basics/duration.js';
import { quoteOutside } from '../keyset/basics/outside-text.js';
import { renamedText } from '../keyset/history/renamed.js';
import { isRetired } from '../keyset/manifest/states.js';
import { OBSERVE_LIMIT } from '../outlets/limits.js';
import { withoutState } from '../rollout/other-history.js';
import { isTransient } from '../rollout/patience.js';
import type { Environment } from './environment.js';
import { type FoundKey, kidOf } from './named.js';
import type { Opened } from './open.js';
import { suspicionOf } from './other-history.js';
import type { Output } from './output/output.js';
import { type Asked, whatFollows } from './what-follows.js';

/** What to say about the store before it is asked for anything. */
type HistorySaid =
  | { readonly type: 'known' }
  /** The store does not answer now. */
  | { readonly type: 'silent'; readonly text: string }
  /** This host retired the key already, maybe with others, and the store does not know. */
  | { readonly type: 'untold'; readonly kids: readonly string[] }
  /** This host retired other keys that the store does not know. This run records those, too. */
  | { readonly type: 'others-untold'; readonly kids: readonly string[] }
  /** The store shows another history than this host knows, or none. */
  | { readonly type: 'other'; readonly text: string };

/** Asks the record of this host, and its outlets. */
export async function historyOf(found: FoundKey, opened: Opened, environment: Environment): Promise<HistorySaid> {
  const { keyset, key, seen } = found;
  if (seen.failure !== null) {
    const text = withoutState(seen.failure.message);
    return { type: isTransient(seen.failure) ? 'silent' : 'other', text };
  }
  const renamed = key === null ? found.renamed : undefined;
  if (renamed !== undefined) return { type: 'other', text: `another than this host knows: ${renamedText(renamed)}` };
  const other = await suspicionOf(opened, environment, keyset, seen.manifest);
  // The host's record may be damaged: then it knows nothing else.
  if (other === null || other.why === 'record-damaged') return { type: 'known' };
  const { untold, untoldKids: kids = [] } = other;
  if (key !== null && kids.includes(key.kid)) return { type: 'untold', kids };
  if (untold !== undefined) return { type: 'others-untold', kids };
  const doubt = other.isDoubtful ? ' (or an old copy was read)' : '';
  return { type: 'other', text: `another than this host knows${doubt}: ${other.text}` };
}

/** Says what happens to the key, and what signs after it. */
export async function announceExposure(
  found: FoundKey,
  options: Asked,
  history: HistorySaid,
  output: Output,
): Promise<void> {
  const isReplaced = options.replacement && leavesNoneToSign(found, history);
  const then = isReplaced ? 'a replacement signs first' : whatFollows(found, options);
  switch (history.type) {
    case 'known':
      if (found.key !== null && isRetired(found.key)) await announceEnded(found, options, then, output);
      else announceEnd(options, [], then, output);
      return;
    case 'silent':
      output.say(`no answer      ${history.text}`, 'warning');
      announceEnd(options, await onlyKeyIn(found, options), await afterSilence(found, options), output);
      return;
    case 'untold':
      output.say('history        this host has retired the key already: the store is told now', 'warning');
      await announceEnded(found, options, isReplaced ? 'a replacement is made' : then, output);
      return;
    case 'others-untold':
      output.say(
        `history        this host has retired ${history.kids.map(quoteOutside).join(', ')} before: the store is told now, too`,
        'warning',
      );
      announceEnd(options, [], then, output);
      return;
  }
  output.say(`history        ${history.text}`, 'warning');
  announceEnd(options, await onlyKeyIn(found, options), 'no replacement: from there none can be published', output);
  if (await signs(found)) {
    output.say(
      'signers        go on signing with it, and what they sign is rejected, until the store is recovered',
      'warning',
    );
  }
  const hint = found.seen.failure?.code === 'manifest-damaged' ? undefined : found.seen.failure?.hint;
  output.say(`then           ${hint ?? `jwtrot store recover --keyset ${found.keyset.name}`}`, 'warning');
}

/** It is the active key, or the active one is of those that the store is told of in the same run. */
function leavesNoneToSign({ key, seen }: FoundKey, history: HistorySaid): boolean {
  const told = history.type === 'untold' || history.type === 'others-untold' ? history.kids : [];
  const active = seen.manifest?.keys.find(({ state }) => state === 'active');
  return active !== undefined && (active.kid === key?.kid || told.includes(active.kid));
}

/** Which key is active the store alone knows for certain; of what this host has retired it may not have been told yet. */
async function afterSilence(found: FoundKey, { replacement }: Asked): Promise<string> {
  if (!replacement) return 'no replacement';
  const where = (await signs(found)) ? '' : 'where no other key is left to sign, ';
  return `${where}a replacement signs first if the store answers by then`;
}

/** The retired key may have returned to an outlet, or never left one that could not be written. */
async function announceEnded(
  { key, stray, context }: FoundKey,
  { deadline }: Asked,
  then: string,
  output: Output,
): Promise<void> {
  const { kid, thumbprint } = key ?? stray;
  const holdings = await context.outlets.observe(OBSERVE_LIMIT.hurried);
  const holding = holdings.filter(({ keys }) => keys?.some((one) => one.kid === kid || one.thumbprint === thumbprint));
  const unread = holdings.filter(({ keys, intact }) => keys?.length === 0 && !intact);
  const where = (some: typeof holdings) => some.map(({ outlet }) => outlet).join(', ');
  const is = [
    ...(holding.length === 0 ? [] : [`is still in ${where(holding)}`]),
    ...(unread.length === 0 ? [] : [`may be in ${where(unread)}, which can't be read`]),
  ];
  const left =
    key?.droppedAt == null ? 'the key has left every outlet here; verifiers may still accept it' : 'has ended here';
  const said =
    is.length === 0
      ? left
      : `the key ${is.join(' and ')}: ends within ${approximateDuration(deadline)}, whoever answers`;
  output.say(`exposure       ${said}; ${then}`, 'warning');
}

/** @param kept outlets that keep the key @param then what signs */
function announceEnd({ deadline }: Asked, kept: readonly string[], then: string, output: Output): void {
  const but = kept.length === 0 ? '' : `, but not in ${kept.join(', ')}`;
  output.say(`exposure       ends within ${approximateDuration(deadline)}, whoever answers${but}; ${then}`, 'warning');
  if (kept.length > 0)
    output.say('only key       it is the only one there, and stays unless you add --no-replacement', 'warning');
}

/** Outlets that publish nothing else. Without a replacement the key stays there: a JWKS never becomes empty unasked. */
async function onlyKeyIn(found: FoundKey, { replacement }: Asked): Promise<string[]> {
  if (!replacement) return [];
  const { key, stray, context, also = [] } = found;
  const kid = kidOf(found);
  const pairs = [key ?? stray, ...also].map(({ thumbprint }) => thumbprint);
  const held = await context.outlets.keys(OBSERVE_LIMIT.hurried);
  const published = new Set(held.flatMap(({ kind, outlet }) => (kind === 'publish' ? [outlet] : [])));
  const goes = (one: (typeof held)[number]) => one.kid === kid || pairs.includes(one.thumbprint);
  return [...published].filter((outlet) => held.every((one) => one.outlet !== outlet || goes(one)));
}

/** True if it is delivered to an outlet. If this host delivers nothing, the manifest decides, however old it is. */
async function signs({ key, stray, context: { outlets } }: FoundKey): Promise<boolean> {
  if (outlets.deliver.length === 0) return key?.state === 'active';
  const held = await outlets.keys(OBSERVE_LIMIT.hurried);
  return held.some((one) => one.kind === 'deliver' && one.thumbprint === (key ?? stray).thumbprint);
}
