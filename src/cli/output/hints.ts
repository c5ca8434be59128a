import { existsSync } from 'node:fs';
import { RUN } from '../../config/readable-store.js';
import type { Environment } from '../environment.js';

const VERBS = /\bjwtrot (?=(?:rotate|sync|status|retire|rollback|import|jwks|store)\b)/g;
/** The unit's sandbox does not see a person's files, so they come by standard input. */
const FILES = /(--(?:pem|jwk|public|key)) FILE\b/g;

/**
 * The command of a hint as a person types it on this machine: if the unit runs jwtrot, that is `jwtrot-run`.
 * @param isThere tells whether a file exists
 */
export function hintHere(hint: string, { env }: Pick<Environment, 'env'>, isThere = existsSync): string {
  if (env['STATE_DIRECTORY'] === undefined || !isThere(RUN)) return hint;
  return hint.replace(VERBS, 'jwtrot-run ').replace(FILES, '$1 - < FILE');
}
