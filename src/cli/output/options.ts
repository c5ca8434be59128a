/** How the operator wants to be spoken to. */
export interface OutputOptions {
  readonly json?: boolean;
  /** False with `--no-color`. */
  readonly color?: boolean;
  readonly quiet?: boolean;
  readonly debug?: boolean;
}
