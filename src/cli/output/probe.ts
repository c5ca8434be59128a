import { quoteOutside } from '../../keyset/basics/outside-text.js';
import { activeKey } from '../../keyset/questions/keys.js';
import { RunCanaries } from '../../rollout/canaries.js';
import { provingBy, withProving } from '../../rollout/proving.js';
import { proofOf } from '../../services/health-kinds.js';
import type { Report, Service, ServicePort } from '../../services/service.js';
import { missingIn, refusalOf } from '../../services/wanted.js';
import { openContexts } from '../contexts.js';
import type { Environment } from '../environment.js';
import type { Opened } from '../open.js';
import type { InstanceReport } from './instance-report.js';
import type { KeysetStatus } from './keyset-status.js';
import type { Output } from './output.js';
import type { Screen } from './paint.js';
import { renderTable } from './table.js';

/** @param all what the store says of each keyset: answers are checked against it */
export async function probeServices(
  opened: Opened,
  all: readonly KeysetStatus[],
  environment: Environment,
  output: Output,
): Promise<InstanceReport[]> {
  const contexts = await openContexts(opened, environment, output, 'status');
  const asked = contexts.map(async (context) => {
    const manifest = all.find(({ keyset }) => keyset.name === context.name)?.manifest ?? null;
    const known = () => manifest;
    // It shows what proves nothing, and goes on.
    const canaries = new RunCanaries(
      () => context,
      known,
      () => false,
    );
    const proved = withProving(context.services, provingBy(known, canaries, context));
    const reports = await Promise.all(proved.map((port) => probeService(context.name, port, environment)));
    return reports.flat();
  });
  return (await Promise.all(asked)).flat();
}

async function probeService(keyset: string, port: ServicePort, { signal }: Environment): Promise<InstanceReport[]> {
  const { name: service, role, health } = port.service;
  const proof = health === null ? null : proofOf(health);
  const nothing = { keyset, service, role, kid: null, kids: null, preloaded: null, proof, polled: health !== null };
  if (health === null) return [{ ...nothing, instance: service, error: 'not polled: it has no health' }];
  try {
    const instances = await port.listInstances(signal);
    if (instances.length === 0) return [{ ...nothing, instance: service, error: 'no instance was found' }];
    return await Promise.all(
      instances.map(async (instance) => {
        const report = await port.probe(instance, signal);
        return report.ok
          ? {
              ...nothing,
              instance: instance.name,
              kid: report.kid,
              kids: report.kids,
              preloaded: report.preloaded ?? null,
              error: formError(port.service, report),
            }
          : { ...nothing, instance: instance.name, error: report.reason };
      }),
    );
  } catch (error) {
    return [{ ...nothing, instance: service, error: error instanceof Error ? error.message : String(error) }];
  }
}

/** What the report lacks, with the pointers that were tried: usually one is wrong or missing in the configuration. */
function formError(service: Service, report: Extract<Report, { ok: true }>): string | null {
  if (report.refusedWith !== undefined) return refusalOf(report.refusedWith);
  const missing = missingIn(service, report);
  if (missing === null || service.health === null) return missing;
  const { health } = service;
  if (health.type !== 'json') return `${missing} (health.type: ${health.type} has none)`;
  const pointers = [health.kid, health.kids, ...(health.preloaded === null ? [] : [health.preloaded])];
  return `${missing} (looked at ${pointers.slice(0, -1).join(', ')} and ${pointers.at(-1)})`;
}

/** Which proof an answer is, with the keys that only this proof shows. */
function shownBy({ proof, preloaded }: InstanceReport, name: (kid: string) => string): string {
  if (proof === null) return '-';
  return preloaded === null ? proof : `${proof} ${preloaded.map(name).join(' ') || 'none'}`;
}

export function probeTable(all: readonly KeysetStatus[], reports: readonly InstanceReport[], screen: Screen): string {
  const { color } = screen;
  if (reports.length === 0) return color.dim('no service is listed');
  const rows = reports.map((report) => {
    const manifest = all.find((one) => one.keyset.name === report.keyset)?.manifest ?? null;
    const active = manifest === null ? null : activeKey(manifest);
    const name = (kid: string) => {
      const key = manifest?.keys.find((one) => one.kid === kid);
      return key === undefined ? color.red(quoteOutside(kid)) : `v${key.version}`;
    };
    const signs =
      report.kid === null
        ? '-'
        : report.kid === active?.kid
          ? color.green(name(report.kid))
          : color.yellow(name(report.kid));
    const accepts = report.kids === null ? '-' : report.kids.map(name).join(' ') || 'none';
    return [
      report.service,
      report.instance,
      report.role,
      signs,
      accepts,
      shownBy(report, name),
      report.error === null ? '' : color.red(report.error),
    ];
  });
  return renderTable(['SERVICE', 'INSTANCE', 'ROLE', 'SIGNS', 'ACCEPTS', 'PROOF', 'ERROR'], rows, screen);
}
