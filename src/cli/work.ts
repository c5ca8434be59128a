/*
 * The verbs that do something, in one part of the bundle: a start that only looks does not load them, and many small
 * parts would take longer than one.
 */
export { importKey } from './commands/import.js';
export { retire } from './commands/retire.js';
export { rollback } from './commands/rollback.js';
export { rotate } from './commands/rotate.js';
export { sync } from './commands/sync.js';
