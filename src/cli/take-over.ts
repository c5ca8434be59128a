import { approximateDuration } from '../keyset/basics/duration.js';
import { quoteOutside } from '../keyset/basics/outside-text.js';
import type { Manifest } from '../keyset/manifest/model.js';
import { newestEvent } from '../keyset/questions/events.js';
import type { KeysetContext } from '../rollout/context.js';
import { confirm } from './confirm.js';
import type { Environment } from './environment.js';
import type { Output } from './output/output.js';

/**
 * If this host takes over another host's keyset and remembers nothing of it, it can't tell a restored store from the
 * newest. The operator can, by the newest event, so this asks.
 * @throws JwtrotError `not-confirmed` (exit 2)
 */
export async function confirmTakeOver(
  contexts: readonly KeysetContext[],
  options: { readonly yes?: boolean | undefined },
  environment: Environment,
  output: Output,
): Promise<void> {
  const unknown = (await Promise.all(contexts.map(unknownElsewhere))).filter((found) => found !== null);
  if (unknown.length === 0) return;
  for (const manifest of unknown) {
    for (const line of describe(manifest, environment.clock.now())) output.say(line, 'warning');
  }
  await confirm('Is that the newest that you know of? Take it over?', options, environment);
}

async function unknownElsewhere({ name, bound, host, records, store }: KeysetContext): Promise<Manifest | null> {
  if (!bound || (await records.read()) !== null) return null;
  const manifest = (await store.readManifest(name))?.manifest ?? null;
  const isElsewhere = manifest !== null && manifest.host !== null && manifest.host.id !== host.self.host;
  return isElsewhere ? manifest : null;
}

function describe(manifest: Manifest, now: number): string[] {
  const { name, revision, host } = manifest;
  const event = newestEvent(manifest);
  const what =
    event === null
      ? 'it has no event'
      : `its newest event is ${event.type}${event.kid === null ? '' : ` of ${quoteOutside(event.kid)}`}, ${new Date(event.at).toISOString()} (${approximateDuration(now - event.at)} ago)`;
  return [
    `keyset ${name} belongs to host ${quoteOutside(host?.hostname ?? '')}, and this host remembers nothing of it: it can't tell whether the store was restored from a backup.`,
    `the store has revision ${revision}, and ${what}`,
  ];
}
