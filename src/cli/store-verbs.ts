import { Argument } from 'commander';
import { type Add, collect, type Within } from './declare.js';

/** `jwtrot store VERB`: the store as a whole. */
export function storeVerbs(within: Within, verb: Add): void {
  const store = within('store', 'the store as a whole: back it up, restore it, recover after a restore');
  const file = '<file>';
  verb('backup', async () => (await import('./work.js')).storeBackup, 'the local store in one file', store)
    .addArgument(new Argument(file, 'a new file'))
    .option('--with-kek', 'with the KEK: the whole file is encrypted with a passphrase (age -d reads it)')
    .option(...PASSPHRASE)
    .addHelpText(
      'after',
      '\nWithout the KEK nothing in it is secret: the private keys are wrapped.' +
        '\n\nExamples:\n  $ jwtrot store backup /mnt/backup/jwtrot-monday\n  $ jwtrot store backup --with-kek jwtrot.age',
    );
  verb('restore', async () => (await import('./work.js')).storeRestore, 'a backup in an empty store’s place', store)
    .addArgument(new Argument(file, 'what store backup wrote; - reads standard input'))
    .option(...PASSPHRASE)
    .addHelpText(
      'after',
      '\nNothing is overwritten: move the former store away first.\n\nExamples:\n  $ jwtrot store restore jwtrot-monday',
    );
  verb(
    'recover',
    async () => (await import('./work.js')).storeRecover,
    'one history again, after a restore or a loss',
    store,
  )
    .option('-n, --dry-run', 'show who knows what, and what would be done; touch nothing')
    .option('-y, --yes', 'do not ask')
    .option(
      '--retired <kid|file>',
      'this key was retired: a kid, or a file with a JWK Set, a PEM or a kid a line',
      collect,
    )
    .option('--none-retired', 'no key was retired that nobody here knows of')
    .option('--adopt <thumbprint>', 'this key is ours, though no outlet vouches for it', collect)
    .addHelpText(
      'after',
      '\nA key that anybody knows as retired never returns. Look first: --dry-run.' +
        '\n\nExamples:\n  $ jwtrot store recover --dry-run\n  $ jwtrot store recover --keyset api --retired kQ3xPz0a',
    );
}

const PASSPHRASE = [
  '--passphrase-file <file>',
  'the passphrase, instead of asking for it; - reads standard input',
] as const;
