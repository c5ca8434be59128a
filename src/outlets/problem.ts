import { JwtrotError } from '../keyset/error.js';
import { errorCode, fileProblem } from '../outside/file-problem.js';

/**
 * A file system error at an outlet, for a person. Kind `services`: the manifest is fine, the next run writes again.
 * @param doing what failed: `cannot write /srv/jwks/jwks.json`
 */
export function outletProblem(doing: string, directory: string, error: unknown): unknown {
  if (error instanceof JwtrotError) return error;
  const code = errorCode(error);
  if (code === '') return error; // not the file system's: a bug, or the run was interrupted
  return new JwtrotError('services', 'outlet-not-written', `${doing}: ${REASONS[code] ?? fileProblem(error)}`, {
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
