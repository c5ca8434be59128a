/*
 * Every change that a commit can make to a manifest, as a pure function of the manifest that was read and the commit's
 * own time. An illegal move throws: nothing is committed then.
 */
export { keyOf, note, putsOver } from './change.js';
export { deletionOrdered, destroyed, dropped, retired, stillSigning, withdrawn } from './end-of-life.js';
export {
  acceptedNow,
  addKey,
  emptyManifest,
  expedited,
  givenUp,
  lookedAt,
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
  signersUnconfirmed,
  turnedBack,
} from './switching.js';
export { clockAccepted, hostTaken, leavesNoTrace, outletsFound, refreshed } from './upkeep.js';
