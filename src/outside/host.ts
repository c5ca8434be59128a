import type { Clock } from '../keyset/clock.js';
import type { Owner } from '../keyset/model.js';

/** This machine and its processes, as the lease needs them. */
export interface Host {
  /** This process. */
  readonly self: Owner;
  /** `gone` only where it can be known: same host, boot and pid namespace. */
  state(owner: Owner): 'alive' | 'gone' | 'elsewhere';
  /** Ends a process of this host with its children: SIGTERM, after 2 s SIGKILL. Resolves when it is gone. */
  end(owner: Owner, clock: Clock): Promise<void>;
}
