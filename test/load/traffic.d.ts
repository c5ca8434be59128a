/** What traffic came to. */
export interface Load {
  readonly minted: number;
  readonly checkedNew: number;
  /** Checked again when they were old. */
  readonly checkedOld: number;
  /** One line for each token that was not accepted. */
  readonly rejected: readonly string[];
  /** By how many keys tokens were signed. */
  readonly kids: number;
  /** How many keys the JWKS has at the end. */
  readonly published: number;
  readonly rotations: number;
  /** What runs said that did not end well. */
  readonly failed: readonly string[];
}

/** A rotation every three seconds, tokens of twenty seconds, for so long. */
export function rotationsUnderLoad(seconds: number): Promise<Load>;
