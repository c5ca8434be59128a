import { createHash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
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
    observe: (path) => observeGiven(path, outlet.format),
    holds(sight, content) {
      const text = publishText(content, outlet.format);
      return text === null || (sight.intact && sight.text === text);
    },
    write: (writing) => give(outlet, label, name, writing, surroundings),
  };
}

export function commandLabel(outlet: PublishCommand): string {
  return `command ${basename(outlet.command.argv[0])}`;
}

async function give(
  outlet: PublishCommand,
  label: string,
  name: string,
  { directory, content, signal, newId }: Writing,
  { keyset, env, path }: CommandSurroundings,
): Promise<void> {
  const text = publishText(content, outlet.format);
  if (text === null) return;
  const former = await readGiven(join(directory.through, name));
  await writeGiven(directory, name, { text: former?.text ?? null, settled: false }, newId());
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
  await writeGiven(directory, name, { text, settled: true }, newId());
}
