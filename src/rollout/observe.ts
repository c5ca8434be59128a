import type { Holding } from '../keyset/projection.js';
import type { KeysetContext } from './context.js';

/** What the outlets of this host hold now. */
export function observe(context: KeysetContext): Promise<readonly Holding[]> {
  return context.outlets.observe();
}

/**
 * The kids that polled services report while the store knows no keyset: somebody's tokens may depend on them. Whoever
 * does not answer is not waited for: a service may need its first key to start.
 */
export async function reportedKids(context: KeysetContext): Promise<{ service: string; kid: string }[]> {
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
    const service = polled[i]?.service.name ?? '';
    return [...new Set(kids)].map((kid) => ({ service, kid: kid as string }));
  });
}
