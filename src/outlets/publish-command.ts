import { createHash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Clock, Duration } from '../keyset/clock.js';
import { JwtrotError } from '../keyset/error.js';
import { type Environment, runCommand } from '../outside/command.js';
import { publishText } from './content.js';
import { openDirectory } from './directory.js';
import { observeGiven, readGiven, writeGiven } from './given.js';
import type { PublishOutlet } from './outlet.js';
import type { Target, Writing } from './target.js';

export type PublishCommand = Extract<PublishOutlet, { type: 'command' }>;

export interface CommandSurroundings {
  readonly keyset: string;
  /** Where the records of what commands were given are. */
  readonly stateDirectory: string;
  readonly env: Environment;
  readonly path?: string | undefined;
  readonly clock: Pick<Clock, 'now'>;
}

/** A program that takes the text on its standard input and puts it where verifiers fetch it. */
export function publishCommand(outlet: PublishCommand, surroundings: CommandSurroundings): Target {
  const { keyset, stateDirectory: folder } = surroundings;
  const label = commandLabel(outlet);
  // Another command line is another outlet: it was given nothing yet.
  const id = createHash('sha256')
    .update(JSON.stringify([outlet.command.argv, outlet.format]))
    .digest('hex')
    .slice(0, 16);
  const name = `${keyset}-${id}.given`;
  return {
    label,
    kind: 'publish',
    format: outlet.format,
    isBlind: true,
    folder,
    name,
    async openFolder() {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      return openDirectory(folder, { follow: true });
    },
    observe: (path) => observeGiven(path, outlet.format, surroundings.clock.now()),
    holds(sight, content) {
      const text = publishText(content, outlet.format);
      return text === null || (sight.intact && sight.text === text);
    },
    write: (writing) => give(outlet, label, name, writing, surroundings),
  };
}

/** From the command's end until the record of it is read back, at the most. */
const READ_BACK: Duration = 5_000;

export function commandLabel(outlet: PublishCommand): string {
  return `command ${basename(outlet.command.argv[0])}`;
}

async function give(
  outlet: PublishCommand,
  label: string,
  name: string,
  { directory, content, signal, newId }: Writing,
  { keyset, env, path, clock }: CommandSurroundings,
): Promise<void> {
  const text = publishText(content, outlet.format);
  if (text === null) return;
  const former = await readGiven(join(directory.through, name));
  const now = clock.now();
  // One that was begun and not seen to end: a killed run's, or what a failed one has left under way.
  const busyUntil = former?.until != null && former.until > now ? former.until : null;
  const until = Math.max(now + outlet.timeout, busyUntil ?? 0);
  await writeGiven(directory, name, { text: former?.text ?? null, settled: false, until }, newId());
  const result = await runCommand(outlet.command, {
    stdin: text,
    timeout: outlet.timeout,
    signal,
    env,
    extraEnv: { JWTROT_REVISION: String(content.revision), JWTROT_KEYSET: keyset },
    ...(path === undefined ? {} : { path }),
  });
  if (!result.ok) {
    throw new JwtrotError(
      'services',
      'outlet-command-failed',
      `${label} did not take revision ${content.revision} of keyset ${keyset}: ${result.reason}; what it publishes now is not known`,
      {
        hint: `mend it; try it by hand: jwtrot jwks --keyset ${keyset}${outlet.format === 'pem' ? ' --pem' : ''} | ${label.replace('command ', '')} …`,
      },
    );
  }
  // What was given a moment ago is read back first.
  const again = busyUntil === null ? null : Math.max(busyUntil, clock.now() + READ_BACK);
  await writeGiven(directory, name, { text, settled: true, until: again }, newId());
}
