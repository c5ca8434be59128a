import { verifies } from '../services/service.js';
import type { RunCanaries } from './canaries.js';
import type { Problem } from './problem.js';
import type { Run } from './run.js';

type Ended = Pick<Run, 'context' | 'ledger'> & { readonly canaries: Pick<RunCanaries, 'unshown'> };

/**
 * Drops that count as not shown: the private half is gone, so verifiers that report no kids could not be shown a canary.
 * A run can do no more about them, so they change neither its outcome nor its exit code.
 */
export function unshownDrops({ context, ledger, canaries }: Ended): Problem[] {
  const names = context.services
    .filter(({ service }) => verifies(service) && service.health?.type === 'canary')
    .map(({ service }) => service.name);
  return [...canaries.unshown].map((kid) => {
    const isDropped = ledger.manifest?.keys.some((key) => key.kid === kid && key.droppedAt !== null) === true;
    return {
      block: null,
      code: 'drop-not-shown',
      kind: 'services',
      isRemark: true,
      message: `it is not shown that ${names.join(', ')} ${names.length === 1 ? 'rejects' : 'reject'} ${kid}: its private half is not there, so no canary of it was signed${isDropped ? '; no later run asks for it again' : ''}`,
      hint: `make sure of it: send a token that ${kid} has signed and that has not expired, or restart ${names.length === 1 ? 'that service' : 'those services'}`,
    };
  });
}
