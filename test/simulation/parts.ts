import { signs } from '../../src/services/service.js';
import type { Shape, SomeService } from './shape.js';

/** Parts that a world can do without, so that a fault is easier to see. By name, as `--without` takes them. */
const PARTS: Readonly<Record<string, (shape: Shape) => Partial<Shape>>> = {
  skew: () => ({ skewed: false }),
  encode: () => ({ encode: false }),
  'second-host': ({ services }) => ({ secondHost: false, services: services.filter((one) => !one.elsewhere) }),
  deliver: () => ({ deliver: false }),
  'deliver-command': ({ deliver }) => ({ deliver: deliver !== false }),
  publish2: ({ publish }) => ({ publish: publish.slice(0, 1) }),
  url: ({ publish }) => ({ publish: publish.map((one) => ({ ...one, url: false })) }),
  tmpfs: ({ publish }) => ({ publish: publish.map((one) => ({ ...one, tmpfs: false })) }),
  instances: ({ services }) => ({ services: services.map((one) => ({ ...one, instances: 1 })) }),
  workers: ({ services }) => ({ services: services.map(withOneWorker) }),
};

function withOneWorker(one: SomeService): SomeService {
  const { health } = one.service;
  return { ...one, workers: 1, service: { ...one.service, health: health && { ...health, distinct: null } } };
}

/** The parts that this world has. */
export function partsOf(shape: Shape): string[] {
  const all = [...shape.services.map((one) => one.service.name), ...Object.keys(PARTS)];
  return all.filter((name) => !isSame(shape, withoutPart(shape, name)));
}

export function withoutParts(shape: Shape, names: readonly string[]): Shape {
  return names.reduce(withoutPart, shape);
}

function withoutPart(shape: Shape, name: string): Shape {
  const part = PARTS[name] ?? ((from) => ({ services: from.services.filter((one) => one.service.name !== name) }));
  const left = { ...shape, ...part(shape) };
  // Somebody has to sign.
  return left.services.some((one) => signs(one.service)) ? left : shape;
}

function isSame(one: Shape, other: Shape): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
