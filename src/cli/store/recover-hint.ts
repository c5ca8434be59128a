import { shellWord } from '../../keyset/basics/outside-text.js';
import type { RecoveryRefusal } from '../../keyset/recovery/refusals.js';
import type { GlobalOptions } from '../verb.js';

export interface RecoverOptions {
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly retired?: readonly string[];
  readonly noneRetired?: boolean;
  readonly adopt?: readonly string[];
}

/** How to answer the question: the same command, plus what was missing. */
export function recoverHintFor({ code, options }: RecoveryRefusal, given: RecoverOptions & GlobalOptions): string {
  const command = ['jwtrot store recover', ...words(given)].join(' ');
  const answered = [command, ...options].join(' ');
  switch (code) {
    case 'retirements-unknown':
      return `${answered}; or for each one that was: ${command} --retired KID`;
    case 'undecided-keys':
      return `${answered}; or, for a key that is not yours: --retired in the place of --adopt`;
    case 'kid-clash':
      return 'find out who wrote it there, and move that file away; then run it again';
    default:
      return 'jwtrot store recover --dry-run shows what was found';
  }
}

function words({ config, keyset, retired, noneRetired, adopt, dryRun, yes }: RecoverOptions & GlobalOptions): string[] {
  const each = (option: string, values: readonly string[] = []) =>
    values.map((value) => `${option}${value.startsWith('-') ? '=' : ' '}${shellWord(value)}`);
  return [
    ...each('--config', config === undefined ? [] : [config]),
    ...each('--keyset', keyset),
    ...each('--retired', retired),
    ...(noneRetired === true ? ['--none-retired'] : []),
    ...each('--adopt', adopt),
    ...(dryRun === true ? ['--dry-run'] : []),
    ...(yes === true ? ['--yes'] : []),
  ];
}
