import { JwtrotError } from '../../keyset/error.js';
import { fill } from '../../services/fill.js';
import type { Reload, Service, SystemdAction } from '../../services/service.js';

/** One thing that jwtrot may do to units. */
export interface Permission {
  readonly verb: SystemdAction;
  /** A regular expression for whole names, as the polkit rule has it. */
  readonly unit: string;
}

type BySystemd = Extract<Reload, { type: 'systemd' }>;
const PLACEHOLDER = /\{(?:name|address)\}/;

/** What of units is asked for by the configuration; and, for people, what can't be allowed without allowing too much. */
export function permissionsOf(services: readonly Service[]): { permissions: Permission[]; unnamed: string[] } {
  const found = new Map<string, Permission>();
  const unnamed: string[] = [];
  for (const service of services) {
    const { reload } = service;
    if (reload.type !== 'systemd') continue;
    for (const unit of patterns(service, reload)) {
      if (unit === null)
        unnamed.push(
          `service ${service.name} reloads ${reload.unit}, which may come to mean any unit, so it is not allowed: write it as PREFIX@{name}.service`,
        );
      else found.set(`${unit} ${reload.action}`, { verb: reload.action, unit });
    }
  }
  return { permissions: [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, one]) => one), unnamed };
}

/** Services that are units by themselves: they are to start after their keys are there. */
export function unitsOf(services: readonly Service[]): string[] {
  const all = services.flatMap((service) =>
    service.reload.type === 'systemd' ? (known(service, service.reload) ?? []) : [],
  );
  return [...new Set(all)].sort();
}

function patterns(service: Service, reload: BySystemd): (string | null)[] {
  const units = known(service, reload);
  if (units !== null) return units.map(literal);
  // Instances are listed when it is time: any instance of one template.
  const [prefix = ''] = reload.unit.split(PLACEHOLDER);
  if (!/^[^@]+@/.test(prefix)) return [null];
  return [reload.unit.split(PLACEHOLDER).map(literal).join('[^@/ ]+')];
}

/** Null when instances are not written in the configuration. */
function known({ instances, name }: Service, { unit }: BySystemd): string[] | null {
  if (!PLACEHOLDER.test(unit)) return [unit];
  if (instances !== null && instances.type !== 'list') return null;
  const all = instances === null ? [{ name, address: null }] : instances.instances;
  return all.flatMap((instance) => {
    try {
      return [fill(unit, instance)];
    } catch (error) {
      // An instance without an address can't be reloaded either.
      if (error instanceof JwtrotError) return [];
      throw error;
    }
  });
}

function literal(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
}
