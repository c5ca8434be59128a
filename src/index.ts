/*
 * What other programs may build on: the shapes of the stored manifest, and the pure functions over it. Everything else
 * is the command's own.
 */
export type { Action, ActionType, Reason, Upcoming } from './keyset/action.js';
export { ALGORITHM_NAMES, type Algorithm } from './keyset/algorithm.js';
export { EXIT, JwtrotError } from './keyset/error.js';
export { decodeManifest } from './keyset/manifest.js';
export type { Key, Manifest, PublicJwk, Retirement, Rollout } from './keyset/model.js';
export { POLICY_DEFAULTS, type Policy, policyProblems } from './keyset/policy.js';
export { activeKey, type JwkSet, type PublishedJwk, toJwkSet } from './keyset/projection.js';
export { KEY_STATES, type KeyState } from './keyset/states.js';
export { upcoming } from './keyset/upcoming.js';
export type { KmsWrappedKey, WrappedKey } from './keyset/wrapped-key.js';
