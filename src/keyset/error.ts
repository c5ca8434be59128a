/** Exit codes of the command (DESIGN.md, section 8). */
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

/** Which kind of failure it was; the exit code follows from it alone. */
export type ErrorKind = 'usage' | 'store' | 'services' | 'refused' | 'leased';

export interface ErrorDetails {
  /** The next command or setting, for a person who is in a hurry. */
  hint?: string;
  /** The error underneath; shown only with `--debug`. */
  cause?: unknown;
}

/**
 * A failure that was foreseen. `message` is lower case and says what failed, to what, and what state things are in now.
 * `code` is stable: scripts match on it. Never holds a secret.
 */
export class JwtrotError extends Error {
  override readonly name = 'JwtrotError';
  readonly kind: ErrorKind;
  readonly code: string;
  readonly hint: string | undefined;

  constructor(kind: ErrorKind, code: string, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.kind = kind;
    this.code = code;
    this.hint = details.hint;
  }

  get exit(): ExitCode {
    return EXIT[this.kind];
  }
}
