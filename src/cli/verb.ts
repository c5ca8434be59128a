import type { Environment } from './environment.js';
import type { OutputOptions } from './output/options.js';
import type { Output } from './output/output.js';

/** Options that stand before or after the verb. */
export interface GlobalOptions extends OutputOptions {
  readonly config?: string;
  readonly keyset?: string[];
}

/** Runs a verb. @returns the exit code */
export type Verb<Options> = (
  options: Options & GlobalOptions,
  environment: Environment,
  output: Output,
) => Promise<number>;
