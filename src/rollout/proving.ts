import type { Manifest } from '../keyset/manifest/model.js';
import { toJwkSet } from '../keyset/published/jwk-set.js';
import type { Proving } from '../services/proving.js';
import type { ServicePort } from '../services/service.js';
import type { RunCanaries } from './canaries.js';
import type { KeysetContext } from './context.js';

/** What answers are checked against. @param manifest the newest that is known, at each poll; null: there is none */
export function provingBy(
  manifest: () => Manifest | null,
  canaries: RunCanaries,
  { clock, policy }: Pick<KeysetContext, 'clock' | 'policy'>,
): Proving & { canaries: RunCanaries } {
  return {
    canaries,
    now: () => clock.now(),
    clockSkew: policy.clockSkew,
    published() {
      const known = manifest();
      return known === null ? [] : toJwkSet(known).keys;
    },
  };
}

/** These services, with every answer checked, and canaries that know who was reloaded. */
export function withProving(
  services: readonly ServicePort[],
  proving: Proving & { canaries: RunCanaries },
): readonly ServicePort[] {
  const { canaries } = proving;
  return services.map((port) => {
    const { name, reload, health } = port.service;
    return {
      ...port,
      probe(instance, signal, _, kids) {
        // It is told by the publication itself.
        if (reload.type === 'none') canaries.reloading(`${name}/${instance.name}`)();
        const probe = () => port.probe(instance, signal, proving, kids);
        return health?.type === 'canary' ? canaries.during(probe) : probe();
      },
      async reload(instance, signal, how) {
        const done = canaries.reloading(`${name}/${instance.name}`);
        const result = await port.reload(instance, signal, how);
        if (result.ok) done();
        return result;
      },
    };
  });
}
