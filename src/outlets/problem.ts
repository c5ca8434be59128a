import { JwtrotError } from '../keyset/basics/error.js';
import { own } from '../keyset/basics/foreign-json.js';
import { quoteOutside } from '../keyset/basics/outside-text.js';
import type { OutletContent } from '../keyset/published/jwk-set.js';
import { errnoOf } from '../outside/errno.js';
import { fileProblem } from '../outside/file-problem.js';
import type { OutletProblem } from './outlet.js';

/**
 * Words a file system error at an outlet for a person. Its kind is `services`: the manifest is fine, the next run
 * writes again.
 * @param doing what failed: `cannot write /srv/jwks/jwks.json`
 */
export function outletProblem(doing: string, directory: string, error: unknown): unknown {
  if (error instanceof JwtrotError) return error;
  const code = errnoOf(error);
  if (code === '') return error; // not from the file system: a bug, or the run was interrupted
  return new JwtrotError('services', 'outlet-not-written', `${doing}: ${own(REASONS, code) ?? fileProblem(error)}`, {
    hint: hintFor(code, directory),
    cause: error,
  });
}

const REASONS: Readonly<Record<string, string>> = {
  ENOSPC: 'no space is left',
  EDQUOT: 'the quota is used up',
  EROFS: 'the file system is read-only',
  ENAMETOOLONG: 'its name is too long',
};

function hintFor(code: string, directory: string): string {
  if (code === 'EACCES' || code === 'EPERM') return `let jwtrot's user write in ${directory}, or run it as root`;
  if (code === 'EROFS') return `under systemd: ReadWritePaths=${directory}`;
  if (code === 'ENOSPC' || code === 'EDQUOT') return `make room in ${directory}, then run it again`;
  return 'mend that, then run it again';
}

/**
 * Turns an error at one outlet into a problem of the run. In an incident it only means that this outlet was not written.
 * @throws outside an incident: an error that nobody foresaw
 */
export function problemOf(
  outlet: string,
  error: unknown,
  { isIncident }: Pick<OutletContent, 'isIncident'>,
): OutletProblem {
  if (error instanceof JwtrotError) {
    const { code, hint = null, kind } = error;
    // A directory that does not answer is named by its own path: say which outlet it is for.
    const message = error.message.includes(outlet) ? error.message : `${outlet}: ${error.message}`;
    return {
      outlet,
      code,
      message,
      hint,
      kind: isIncident ? 'services' : kind,
      passing: kind === 'leased',
      cause: error,
    };
  }
  if (!isIncident) throw error;
  const message = `${outlet} was not written: ${quoteOutside(String(error))}`;
  return { outlet, code: 'unforeseen', message, hint: 'please report it', kind: 'services', passing: false };
}
