import type { Deed } from './act.js';

/**
 * What goes wrong by chance. `stale`: a JWKS that is read comes from a cache. `lag`: a read reaches a replica of the
 * store that lags behind. `slow`: an answer takes up to three seconds. `record`: a host can't read or write what it
 * remembers.
 */
export const FAULT_KINDS = ['store', 'kms', 'service', 'reload', 'outlet', 'stale', 'lag', 'slow', 'record'] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

/**
 * What happens to a process. It is killed; or stopped for a time, after an answer or right before a request leaves it;
 * or it is killed, and its request still arrives.
 */
export const FATES = ['kill', 'pause', 'stall', 'orphan'] as const;
export type FateKind = (typeof FATES)[number];

/** `wait`: time passes after a deed. */
export type Kind = FaultKind | FateKind | Deed | 'wait';
