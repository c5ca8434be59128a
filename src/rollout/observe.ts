import type { Reported } from '../keyset/planning/action.js';
import type { Holding } from '../keyset/published/jwk-set.js';
import { OBSERVE_LIMIT } from '../outlets/limits.js';
import { withoutQuery } from '../outlets/read-back.js';
import type { KeysetContext } from './context.js';

/** How long an incident waits for an outlet that does not answer. */
export const HURRIED = OBSERVE_LIMIT.hurried;

/** What the outlets of this host hold now. @param hurried an incident is open, or was just asked for */
export function observe(context: Pick<KeysetContext, 'outlets'>, hurried: boolean): Promise<readonly Holding[]> {
  return context.outlets.observe(hurried ? OBSERVE_LIMIT.hurried : OBSERVE_LIMIT.usual);
}

/**
 * The kids that polled services report while the store knows no keyset: somebody's tokens may depend on them. A service
 * that does not answer is skipped: it may need its first key to start.
 */
export async function reportedKids(context: KeysetContext): Promise<Reported[]> {
  const polled = context.services.filter((port) => port.service.health !== null);
  const found = await Promise.all(
    polled.map(async (port) => {
      const instances = await port.listInstances(context.signal).catch(() => []);
      const reports = await Promise.all(instances.map((instance) => port.probe(instance, context.signal)));
      return reports.flatMap((report) =>
        report.ok ? [report.kid, ...(report.kids ?? [])].filter((kid) => kid !== null && kid !== '') : [],
      );
    }),
  );
  return found.flatMap((kids, i) => {
    const { name = '', health = null } = polled[i]?.service ?? {};
    const asked = { service: name, url: withoutQuery(health?.url ?? '') };
    return [...new Set(kids)].map((kid) => ({ ...asked, kid: kid as string }));
  });
}
