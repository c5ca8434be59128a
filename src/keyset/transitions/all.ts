/*
 * All changes that a commit can make, as pure functions of the manifest read and the commit's time. An illegal move
 * throws, so nothing is committed.
 */
export { keyIn, keyOf, type Now, note, putsOver } from './change.js';
export { deletedAgain, deletionOrdered, destroyed, dropped, retired, stillSigning } from './end-of-life.js';
export {
  acceptedNow,
  addKey,
  emptyManifest,
  expedited,
  givenUp,
  published,
  type StageOptions,
  stage,
  stored,
  verifiersConfirmed,
  verifiersRechecked,
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
export { clockAccepted, hostTaken, outletsFound, refreshed } from './upkeep.js';
