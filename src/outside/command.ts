/** An argument list: no shell. `env` names variables that are passed on; the rest of the environment is fixed. */
export interface Command {
  readonly argv: readonly [string, ...string[]];
  readonly env: readonly string[];
}
