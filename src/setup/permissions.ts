import { JwtrotError } from '../keyset/basics/error.js';
import { fill } from '../services/fill.js';
import type { Reload, Service, SystemdAction } from '../services/service.js';

/** One action on units that jwtrot is allowed. */
export interface Permission {
  readonly verb: SystemdAction;
  /** A regular expression for the whole name, for the polkit rule. */
  readonly unit: string;
}

type BySystemd = Extract<Reload, { type: 'systemd' }>;
const PLACEHOLDER = /\{(?:name|address)\}/;

/** The permissions that the configuration needs and, for people, those that would allow too much. */
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
      else for (const verb of verbsOf(reload.action)) found.set(`${unit} ${verb}`, { verb, unit });
    }
  }
  return { permissions: [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, one]) => one), unnamed };
}

/** A keyset's first key may start a unit that could not run before. Other verbs than `reload` start it anyway. */
function verbsOf(action: SystemdAction): SystemdAction[] {
  return action === 'reload' ? ['reload', 'start'] : [action];
}

/** A unit with a fixed name, and the action on it. */
export interface UnitReload {
  readonly unit: string;
  readonly verb: SystemdAction;
}

/** The units that the configuration names in full, each once. */
export function reloadsOf(services: readonly Service[]): UnitReload[] {
  const all = services.flatMap((service) => {
    const { reload } = service;
    if (reload.type !== 'systemd') return [];
    return (known(service, reload) ?? []).map((unit) => ({ unit, verb: reload.action }));
  });
  const byName = new Map(all.filter(({ unit }) => VALID.test(unit)).map((one) => [one.unit, one]));
  return [...byName.values()].sort((a, b) => (a.unit < b.unit ? -1 : 1));
}

/** Valid names by systemd.unit(5). An address filled into a name may add a bracket. */
const VALID = /^[A-Za-z0-9:_.\\@-]+$/;

function patterns(service: Service, reload: BySystemd): (string | null)[] {
  const units = known(service, reload);
  if (units !== null) return units.map(literal);
  // Instances are found at run time, so allow any instance of this one template.
  const [prefix = ''] = reload.unit.split(PLACEHOLDER);
  if (!/^[^@]+@/.test(prefix)) return [null];
  return [reload.unit.split(PLACEHOLDER).map(literal).join('[^@/ ]+')];
}

/** The unit's names; null if the configuration does not list its instances. */
function known({ instances, name }: Service, { unit }: BySystemd): string[] | null {
  if (!PLACEHOLDER.test(unit)) return [unit];
  if (instances !== null && instances.type !== 'list') return null;
  const all = instances === null ? [{ name, address: null }] : instances.instances;
  return all.flatMap((instance) => {
    try {
      return [fill(unit, instance)];
    } catch (error) {
      // An instance without an address can't be reloaded anyway.
      if (error instanceof JwtrotError) return [];
      throw error;
    }
  });
}

function literal(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
}
