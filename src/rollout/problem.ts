import type { JwtrotError } from '../keyset/basics/error.js';
import type { Block } from '../keyset/planning/action.js';

/** Something that did not go as it should, and what to do about it. */
export interface Problem {
  readonly block: Block | null;
  readonly message: string;
  readonly hint: string | null;
  readonly kind: JwtrotError['kind'];
  readonly code: string;
  /** Only said: the exit code is as if it were not there. */
  readonly isRemark?: true;
}
