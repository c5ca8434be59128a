import type { Action, Request } from '../keyset/action.js';
import { retirementRecorded } from '../keyset/incident.js';
import { clockAccepted, expedited, hostTaken, keyOf, policyRecorded, putsOver } from '../keyset/transitions.js';
import type { Performed, Run } from './run.js';
import { generate, recover } from './steps/generate.js';
import { awaitDeadline, lookAgain, replaceAtDeadline } from './steps/incident.js';
import { noteOutlets, writeOutlets } from './steps/outlets.js';
import { confirmDrop, deleteSecret, destroy, retire } from './steps/retire.js';
import { rollBack } from './steps/rollback.js';
import { confirmSigners, refreshServices } from './steps/signers.js';
import { activate, confirmVerifiers } from './steps/verifiers.js';

/** Carries out one action: its effect, and the commits around it. */
export async function perform(run: Run, action: Action, request: Request): Promise<Performed> {
  const { context, ledger } = run;
  const kid = action.kid ?? '';
  switch (action.type) {
    case 'take-over':
      await ledger.commit((m, at) =>
        hostTaken(m, { id: context.host.self.host, hostname: context.host.self.hostname }, at),
      );
      return {};
    case 'accept-clock':
      await ledger.commit(clockAccepted);
      return {};
    case 'record-retirement':
      await ledger.commit((m, at) =>
        request.retire === null
          ? null
          : retirementRecorded(m, request.retire, putsOver(m, m.lease?.until ?? 0, context.policy, at), at),
      );
      return {};
    case 'roll-back':
      return rollBack(run, kid);
    case 'expedite':
      await ledger.commit((m, at) => expedited(m, request, at));
      return {};
    case 'record-policy':
      await ledger.commit((m, at) =>
        keyOf(m, kid).state === 'active' ? policyRecorded(m, kid, context.policy, at) : null,
      );
      return {};
    case 'generate':
      return generate(run, action, request);
    case 'recover':
      return recover(run, kid);
    case 'note-outlets':
      return noteOutlets(run);
    case 'write-outlets':
      return writeOutlets(run);
    case 'confirm-verifiers':
      return confirmVerifiers(run, kid);
    case 'activate':
      return activate(run, kid);
    case 'confirm-signers':
      return confirmSigners(run);
    case 'refresh-services':
      return refreshServices(run);
    case 'await-deadline':
      return awaitDeadline(run, kid);
    case 'replace-at-deadline':
      return replaceAtDeadline(run, kid);
    case 'retire':
      return retire(run, kid, action.reason);
    case 'confirm-drop':
      return confirmDrop(run);
    case 'look-again':
      return lookAgain(run, kid);
    case 'delete-secret':
      return deleteSecret(run, kid, action.reason === 'put-in-flight');
    case 'destroy':
      return destroy(run, kid);
  }
}
