/*
 * The verbs that change something, in one part of the bundle. A start that only reads does not load them, and one part
 * loads faster than many small ones.
 */
export { importKey } from './commands/import.js';
export { retire } from './commands/retire.js';
export { rollback } from './commands/rollback.js';
export { rotate } from './commands/rotate.js';
export { storeBackup } from './commands/store-backup.js';
export { storeRecover } from './commands/store-recover.js';
export { storeRestore } from './commands/store-restore.js';
export { sync } from './commands/sync.js';
