import type { Manifest } from '../keyset/manifest/model.js';
import type { Action, ActionOf, ActionType } from '../keyset/planning/action.js';
import { outcome } from '../keyset/planning/outcome.js';
import { keyOf } from '../keyset/transitions/all.js';
import { commit, type Performed, type Run } from './run.js';
import { generate, recover } from './steps/generate.js';
import { awaitDeadline, recheckDrop, recordRetirement, replaceAtDeadline } from './steps/incident.js';
import { noteOutlets, writeOutlets } from './steps/outlets.js';
import { confirmDrop, deleteSecret, destroy, retire } from './steps/retire.js';
import { rollBack } from './steps/rollback.js';
import { confirmSigners, refreshServices } from './steps/signers.js';
import { takeOut } from './steps/take-out.js';
import { activate, confirmVerifiers } from './steps/verifiers.js';

type Steps = { readonly [T in ActionType]: (run: Run, action: ActionOf<T>) => Promise<Performed> };

const STEPS: Steps = {
  'take-over': record,
  'accept-clock': record,
  'record-retirement': recordRetirement,
  'roll-back': rollBack,
  generate,
  recover,
  expedite: record,
  'note-outlets': noteOutlets,
  'write-outlets': (run, action) => (run.ledger.history.other === null ? writeOutlets(run, action) : takeOut(run)),
  'refresh-services': refreshServices,
  'confirm-verifiers': confirmVerifiers,
  activate,
  'confirm-signers': confirmSigners,
  'await-deadline': awaitDeadline,
  'replace-at-deadline': replaceAtDeadline,
  retire,
  'confirm-drop': confirmDrop,
  'recheck-drop': recheckDrop,
  'delete-secret': deleteSecret,
  destroy,
  'record-policy': recordPolicy,
};

/** Carries out one action: its effect, and the commits around it. */
export function perform(run: Run, action: Action): Promise<Performed> {
  const step = STEPS[action.type] as (run: Run, action: Action) => Promise<Performed>;
  return step(run, action);
}

/** Nothing but its commit. */
async function record(run: Run, action: ActionOf<'take-over' | 'accept-clock' | 'expedite'>): Promise<Performed> {
  await commit(run, (m, now) => outcome(m, action, now, null));
  return {};
}

async function recordPolicy(run: Run, action: ActionOf<'record-policy'>): Promise<Performed> {
  const isActive = (m: Manifest) => keyOf(m, action.kid).state === 'active';
  await commit(run, (m, now) => (isActive(m) ? outcome(m, action, now, null) : null));
  return {};
}
