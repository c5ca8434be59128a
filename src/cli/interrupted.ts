export type Interruption = 'SIGINT' | 'SIGTERM';

/** Ctrl-C, `systemctl stop`, a shutdown. */
export class Interrupted extends Error {
  /** @param isBefore nothing had begun yet */
  constructor(
    readonly by: Interruption,
    readonly isBefore = false,
  ) {
    super(
      `interrupted by ${by}; ${isBefore ? 'nothing was changed' : 'the step under way was finished or is resumable'}`,
    );
  }

  get exit(): 130 | 143 {
    return this.by === 'SIGINT' ? 130 : 143;
  }
}
