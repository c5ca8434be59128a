import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { JwtrotError } from '../keyset/basics/error.js';
import { escapeOutside, quoteOutside } from '../keyset/basics/outside-text.js';
import { readGuarded } from '../outside/read-file.js';
import { readProblemCause, readProblemReason } from '../outside/read-problem.js';
import type { Environment } from './environment.js';
import { readStream } from './read-stream.js';

/** Characters of a new passphrase. Ten random ones, or four words, resist someone who has the file. */
const SHORTEST = 12;
const LONGEST = 1024;

export interface PassphraseOptions {
  /** `--passphrase-file`: its path, or `-` for standard input. */
  readonly file: string | undefined;
  /** It must be long enough, and is asked for twice. */
  readonly isNew: boolean;
  /** What it is for: `of backup.age`. */
  readonly what: string;
}

/** Reads a passphrase; never from an argument, which everybody could read. @throws JwtrotError kind `usage` */
export async function passphrase(options: PassphraseOptions, environment: Environment): Promise<string> {
  const { file, isNew } = options;
  const given = file === undefined ? await ask(options, environment) : await fromFile(file, environment);
  if (given.length === 0) throw unfit('the passphrase is empty');
  if (isNew && given.length < SHORTEST)
    throw unfit(`the passphrase has ${given.length} characters, at least ${SHORTEST} are needed`);
  return given;
}

async function fromFile(file: string, { stdin, uid }: Environment): Promise<string> {
  if (file === '-') return firstLine((await readStream(stdin, LONGEST)) ?? tooLong());
  const read = await readGuarded(file, { limit: LONGEST, links: 'follow', uid, forbidden: 0o077 });
  if (read.ok) return firstLine(read.bytes);
  const why = readProblemReason(read.problem);
  throw new JwtrotError(
    'usage',
    'passphrase-unreadable',
    `the passphrase can't be read from ${quoteOutside(file)}: ${why}; nothing was changed`,
    {
      hint: `it must be a file of this user's that nobody else may read (chmod 600 ${file}); or hand it in: --passphrase-file - < FILE`,
      cause: readProblemCause(read.problem),
    },
  );
}

/** The line without its end, as age reads it. */
function firstLine(bytes: Buffer): string {
  const text = bytes.toString('utf8').replace(/\r?\n$/, '');
  bytes.fill(0);
  return text.length > LONGEST || /[\r\n]/.test(text) ? tooLong() : text;
}

function tooLong(): never {
  throw unfit('the passphrase is not one line of at most 1024 characters');
}

async function ask({ isNew, what }: PassphraseOptions, environment: Environment): Promise<string> {
  if (environment.stdin.isTTY !== true) {
    throw new JwtrotError(
      'usage',
      'no-passphrase',
      'there is no terminal to ask for the passphrase on; nothing was changed',
      {
        hint: 'give it with --passphrase-file FILE, or --passphrase-file - for standard input',
      },
    );
  }
  const given = await askHidden(`passphrase ${what}: `, environment);
  if (isNew && given.length >= SHORTEST && (await askHidden('the same again: ', environment)) !== given) {
    throw unfit('the two are not the same');
  }
  return given;
}

/** Does not show what is typed. */
async function askHidden(question: string, { stdin, stderr, signal }: Environment): Promise<string> {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  stderr.write(escapeOutside(question));
  const prompt = createInterface({ input: stdin, output: nowhere, terminal: true, historySize: 0 });
  // In raw mode Ctrl-C and Ctrl-D are characters like any other.
  prompt.on('SIGINT', () => process.kill(process.pid, 'SIGINT'));
  const closed = new Promise<never>((_, reject) => prompt.on('close', () => reject(unfit('the passphrase is empty'))));
  try {
    return await Promise.race([prompt.question('', { signal }), closed]);
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  } finally {
    closed.catch(() => undefined);
    prompt.close();
    stderr.write('\n');
  }
}

function unfit(why: string): JwtrotError {
  return new JwtrotError('usage', 'bad-passphrase', `${why}; nothing was changed`, {
    hint: 'four or five random words, or a dozen random characters; write it down where the backup is not',
  });
}
