import { createHash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Clock, Duration } from '../keyset/basics/clock.js';
import { JwtrotError } from '../keyset/basics/error.js';
import { type Environment, runCommand } from '../outside/command.js';
import type { PublishOutlet } from './configured.js';
import { publishText } from './content.js';
import { openDirectory } from './directory.js';
import { observeGiven, readGiven, writeGiven } from './given.js';
import type { Putting, Target } from './target.js';

export type PublishCommand = Extract<PublishOutlet, { type: 'command' }>;

export interface CommandSurroundings {
  readonly keyset: string;
  /** Holds the records of what commands were given. */
  readonly stateDirectory: string;
  readonly env: Environment;
  readonly path?: string | undefined;
  readonly clock: Pick<Clock, 'now'>;
}

/** A program that takes the text on its standard input and puts it where verifiers fetch it. */
export function publishCommand(outlet: PublishCommand, surroundings: CommandSurroundings): Target {
  const { keyset, stateDirectory: folder } = surroundings;
  // A changed command line is another outlet, which was given nothing yet.
  const id = createHash('sha256')
    .update(JSON.stringify([outlet.command.argv, outlet.format]))
    .digest('hex')
    .slice(0, 16);
  const name = `${keyset}-${id}.given`;
  return {
    label: commandLabel(outlet),
    kind: 'publish',
    format: outlet.format,
    isCommand: true,
    runs: outlet.timeout,
    folder,
    name,
    async openFolder() {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      return openDirectory(folder, { follow: true });
    },
    flawOf: async () => null,
    observe: (path) => observeGiven(path, outlet.format, surroundings.clock.now()),
    holds(sight, content) {
      const text = publishText(content, outlet.format);
      return text === null || (sight.intact && sight.text === text);
    },
    async text(content) {
      const text = publishText(content, outlet.format);
      return text === null ? null : Buffer.from(text);
    },
    put: (putting) => runOutletCommand(outlet, name, putting, surroundings),
  };
}

/** The longest time from the command's end until its record is read back. */
const READ_BACK: Duration = 5_000;

function commandLabel(outlet: PublishCommand): string {
  return `command ${basename(outlet.command.argv[0])}`;
}

async function runOutletCommand(
  outlet: PublishCommand,
  name: string,
  { directory, bytes, content, limit, signal, newId }: Putting,
  { keyset, env, path, clock }: CommandSurroundings,
): Promise<void> {
  if (bytes === null) return;
  const text = bytes.toString('utf8');
  const timeout = Math.min(outlet.timeout, limit ?? outlet.timeout);
  const former = await readGiven(join(directory.through, name));
  const now = clock.now();
  // An earlier command that nobody saw end: its run was killed, or it failed and left something running.
  const busyUntil = former?.until != null && former.until > now ? former.until : null;
  const until = Math.max(now + timeout, busyUntil ?? 0);
  await writeGiven(directory, name, { text: former?.text ?? null, settled: false, until }, newId());
  const result = await runCommand(outlet.command, {
    stdin: text,
    timeout,
    signal,
    env,
    extraEnv: { JWTROT_REVISION: String(content.revision), JWTROT_KEYSET: keyset },
    ...(path === undefined ? {} : { path }),
  });
  if (!result.ok) {
    const label = commandLabel(outlet);
    throw new JwtrotError(
      'services',
      'outlet-command-failed',
      `${label} did not take revision ${content.revision} of keyset ${keyset}: ${result.reason}; what it publishes now is not known`,
      {
        hint: `mend it; try it by hand: jwtrot jwks --keyset ${keyset}${outlet.format === 'pem' ? ' --pem' : ''} | ${label.replace('command ', '')} …`,
      },
    );
  }
  // Leave time to read the record back before what it says no longer counts.
  const again = busyUntil === null ? null : Math.max(busyUntil, clock.now() + READ_BACK);
  await writeGiven(directory, name, { text, settled: true, until: again }, newId());
}
