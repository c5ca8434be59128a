import { EXIT, JwtrotError } from '../../keyset/basics/error.js';
import { Interrupted } from '../interrupted.js';

export interface Described {
  readonly code: string;
  readonly message: string;
  /** The message as it is printed. */
  readonly lines: readonly string[];
  readonly hint: string | null;
  readonly exit: number;
}

export function describeError(error: unknown): Described {
  if (error instanceof JwtrotError) {
    const { code, message, lines, hint = null, exit } = error;
    return { code, message, lines, hint, exit };
  }
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof Interrupted) {
    const hint = error.isBefore ? null : 'give the same command again; jwtrot status shows how things stand';
    return { code: 'interrupted', message, lines: [message], hint, exit: error.exit };
  }
  const told = `unforeseen failure: ${message}`;
  return { code: 'unforeseen', message: told, lines: [told], hint: null, exit: EXIT.unforeseen };
}

/** `--json`: the error as every verb prints it. `list`: further lines, if there is more than one. */
export function errorDocument(error: unknown) {
  const { code, message, lines, hint, exit } = describeError(error);
  const [first = message, ...list] = lines;
  return { code, message: first, ...(list.length === 0 ? {} : { list }), hint, exit };
}

/** The stack trace line by line. A message is always one line, even with line breaks in it. */
export function stackOf(error: Error): string[] {
  const { name, message, stack = '', cause } = error;
  const [first = '', ...more] = cause instanceof Error ? stackOf(cause) : [];
  const frames = stack.split('\n').filter((line) => /^ +at /.test(line));
  return [`${name}: ${message}`, ...frames, ...(first === '' ? [] : [`caused by: ${first}`, ...more])];
}

/** What a Nagios plugin prints where `status --check` failed. Exit 2: the store is out of reach; otherwise 3. */
export function checkFailure(error: JwtrotError): { readonly exit: 2 | 3; readonly line: string } {
  // A check by the wrong user has seen nothing.
  const critical = (error.kind === 'store' || error.kind === 'refused') && error.code !== 'foreign-store';
  const lines = critical || error.hint === null ? error.lines : [...error.lines, error.hint];
  return { exit: critical ? 2 : 3, line: `JWTROT ${critical ? 'CRITICAL' : 'UNKNOWN'} - ${lines.join('; ')}` };
}
