import type { Manifest } from '../../src/keyset/manifest/model.js';

/** What a commit changed, as a line of the history. */
export function describeChange(before: Manifest | null, manifest: Manifest): string {
  const last = before?.events.at(-1);
  const grown = manifest.events.findLastIndex((one) => one.at === last?.at && one.type === last?.type);
  const events = manifest.events
    .slice(grown + 1)
    .map((one) => `${one.type} ${(one.kid ?? '').replace(/-+$/, '')}`.trim());
  const lease =
    (before?.lease?.id ?? null) === (manifest.lease?.id ?? null) ? [] : [manifest.lease ? 'lease' : 'release'];
  return [...events, ...lease].join(', ') || 'nothing new';
}
