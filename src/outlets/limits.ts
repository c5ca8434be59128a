import { type Duration, SECOND } from '../keyset/basics/clock.js';

/**
 * How long one outlet may take to be observed. `usual` leaves time for an automatic mount. `hurried` is for an incident, for
 * a person at the command line, and for a file that was written a moment ago.
 */
export const OBSERVE_LIMIT = { usual: 10 * SECOND, hurried: 2 * SECOND } as const;

/** How long a command may take to end after its time limit. */
export const TIME_TO_END: Duration = 3 * SECOND;
