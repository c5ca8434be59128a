/** Exit codes of the command (docs/design.md, section 8). */
export const EXIT = {
  done: 0,
  unforeseen: 1,
  usage: 2,
  store: 3,
  services: 4,
  refused: 5,
  leased: 75,
  interrupted: 130,
  terminated: 143,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** The first of these that occurs wins. */
const PRECEDENCE: readonly ExitCode[] = [
  EXIT.terminated,
  EXIT.interrupted,
  EXIT.unforeseen,
  EXIT.usage,
  EXIT.refused,
  EXIT.store,
  EXIT.services,
  EXIT.leased,
  EXIT.done,
];

export function worstExit(exits: readonly ExitCode[]): ExitCode {
  return PRECEDENCE.find((exit) => exits.includes(exit)) ?? EXIT.done;
}

/** The kind of failure. It alone determines the exit code. */
export type ErrorKind = 'usage' | 'store' | 'services' | 'refused' | 'leased';

export interface ErrorDetails {
  /** The next command or setting, for a person in a hurry. */
  hint?: string;
  /** The error underneath; shown only with `--debug`. */
  cause?: unknown;
  /** Further lines of the message. */
  list?: readonly string[];
}

/**
 * A failure that jwtrot foresaw. `message` is lower case and says what failed, to what, and what state things are in
 * now. `code` is stable, so scripts can match it. Never holds a secret.
 */
export class JwtrotError extends Error {
  override readonly name = 'JwtrotError';
  readonly kind: ErrorKind;
  readonly code: string;
  readonly hint: string | undefined;
  /** The message line by line, for printing: `message` itself may quote a line break from outside. */
  readonly lines: readonly string[];

  constructor(kind: ErrorKind, code: string, message: string, details: ErrorDetails = {}) {
    const lines = [message, ...(details.list ?? [])];
    super(lines.join('\n'), details.cause === undefined ? undefined : { cause: details.cause });
    this.lines = lines;
    this.kind = kind;
    this.code = code;
    this.hint = details.hint;
  }

  get exit(): ExitCode {
    return EXIT[this.kind];
  }
}
