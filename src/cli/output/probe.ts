import type { ChalkInstance } from 'chalk';
import { quoteOutside } from '../../keyset/outside-text.js';
import { activeKey } from '../../keyset/projection.js';
import type { ServicePort } from '../../services/service.js';
import { openContexts } from '../contexts.js';
import type { Environment } from '../environment.js';
import type { Opened } from '../open.js';
import type { Output } from './output.js';
import type { KeysetStatus } from './status.js';
import { renderTable } from './table.js';

/** What one instance reports now. */
export interface InstanceReport {
  readonly keyset: string;
  readonly service: string;
  readonly instance: string;
  readonly role: string;
  readonly kid: string | null;
  readonly kids: readonly string[] | null;
  readonly error: string | null;
}

export async function probeServices(
  opened: Opened,
  environment: Environment,
  output: Output,
): Promise<InstanceReport[]> {
  const contexts = await openContexts(opened, environment, output, 'status');
  const all = contexts.flatMap((context) =>
    context.services.map((port) => probeService(context.name, port, environment)),
  );
  return (await Promise.all(all)).flat();
}

async function probeService(keyset: string, port: ServicePort, { signal }: Environment): Promise<InstanceReport[]> {
  const { name: service, role, health } = port.service;
  const nothing = { keyset, service, role, kid: null, kids: null };
  if (health === null) return [{ ...nothing, instance: service, error: 'not polled: it has no health' }];
  try {
    const instances = await port.listInstances(signal);
    if (instances.length === 0) return [{ ...nothing, instance: service, error: 'no instance was found' }];
    return await Promise.all(
      instances.map(async (instance) => {
        const report = await port.probe(instance, signal);
        return report.ok
          ? { ...nothing, instance: instance.name, kid: report.kid, kids: report.kids, error: null }
          : { ...nothing, instance: instance.name, error: report.reason };
      }),
    );
  } catch (error) {
    return [{ ...nothing, instance: service, error: error instanceof Error ? error.message : String(error) }];
  }
}

export function probeTable(
  all: readonly KeysetStatus[],
  reports: readonly InstanceReport[],
  color: ChalkInstance,
): string {
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
      report.error === null ? '' : color.red(report.error),
    ];
  });
  return renderTable(['SERVICE', 'INSTANCE', 'ROLE', 'SIGNS', 'ACCEPTS', 'ERROR'], rows, color);
}
