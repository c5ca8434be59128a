/*
 * Every change that a commit can make to a manifest, as a pure function of the manifest that was read and the commit's
 * own time. An illegal move throws: nothing is committed then.
 */
export { keyOf, note } from './change.js';
export { deletionOrdered, destroyed, dropped, retired, stillSigning } from './end-of-life.js';
export {
  addKey,
  emptyManifest,
  expedited,
  givenUp,
  type NewKey,
  published,
  type StageOptions,
  stage,
  stored,
  verifiersConfirmed,
} from './staging.js';
export {
  activated,
  backedOff,
  clocksStarted,
  policyRecorded,
  rolledBack,
  signersConfirmed,
  signersConfirmedForNow,
} from './switching.js';
export { clockAccepted, hostTaken, outletsFound, refreshed } from './upkeep.js';
