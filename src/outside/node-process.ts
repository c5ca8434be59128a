import { realpathSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { argumentsOf, linkOf, type ProcessFacts } from './processes.js';

/** Names of Node's executable on Debian and elsewhere, `node20` and `node-22` included. */
const NODE = /^(?:node|nodejs|electron)(?:[.-]?\d[\d.]*)?$/;
/** Options of Node whose value is a separate argument. */
const WITH_VALUE = new Set(['-r', '--require', '--import', '--loader', '--experimental-loader', '-C', '--conditions']);

/**
 * Whether a process runs Node, judged by its executable or, if that can't be read, by the name it was called with. It
 * doesn't recognize Node inside a binary with another name.
 */
export function isNode(pid: number): boolean {
  const executable = linkOf(pid, 'exe') ?? argumentsOf(pid)[0] ?? '';
  return executable === linkOf(process.pid, 'exe') || NODE.test(basename(executable));
}

/**
 * Checks that a process is another run of this program by this user. A manifest's word is not enough to end a process:
 * anyone who can write the manifest could name any process.
 * @param script this program's own file, as it was called
 * @returns why it is not such a run; null when it is
 */
export function strangeness({ pid, users }: ProcessFacts, script: string): string | null {
  const own = process.getuid?.() ?? -1;
  const other = users.find((user) => user !== own);
  if (other !== undefined) return `it is a process of user ${other}`;
  if (linkOf(pid, 'exe') === null || linkOf(pid, 'exe') !== linkOf(process.pid, 'exe'))
    return 'it runs another program';
  const runs = scriptOf(pid);
  return runs !== null && runs === realPath(script) ? null : 'it runs another program';
}

/** The script of a Node process: its first argument that is neither an option nor an option's value. */
function scriptOf(pid: number): string | null {
  const [, ...args] = argumentsOf(pid);
  for (let at = 0; at < args.length; at += 1) {
    const argument = args[at] ?? '';
    if (WITH_VALUE.has(argument)) at += 1;
    else if (!argument.startsWith('-')) return realPath(resolve(linkOf(pid, 'cwd') ?? '/', argument));
  }
  return null;
}

function realPath(path: string): string | null {
  try {
    return realpathSync(path);
  } catch {
    return null;
  }
}
