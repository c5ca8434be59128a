import type { Holding } from '../../src/keyset/published/jwk-set.js';
import type { DeliverOutlet } from '../../src/outlets/configured.js';
import type { OutletRecord } from '../../src/outlets/record.js';

/** A delivered private key: a file in memory, or where a command puts it. */
export class DeliverPlace {
  record: OutletRecord | null = null;
  /** The key that a signer finds there; null: none, or half of one. */
  kid: string | null = null;
  /** Of a command: what `holds` prints. */
  said: string | null = null;
  /** Of a command: what it was last given. */
  given: { kid: string | null; settled: boolean; until: number | null } = { kid: null, settled: true, until: null };

  constructor(
    readonly outlet: DeliverOutlet,
    readonly label: string,
  ) {}

  get isCommand(): boolean {
    return this.outlet.type === 'command';
  }

  put(kid: string | null): void {
    this.kid = kid;
    this.said = kid;
  }

  /** What can be seen of it. */
  shown(): string | null {
    return this.isCommand ? this.said : this.kid;
  }

  /** True if it is known to be there as a whole. */
  isIntact(now: number): boolean {
    if (!this.isCommand) return this.kid !== null;
    const { settled, until } = this.given;
    return this.said !== null && settled && !(until !== null && now >= until);
  }

  /** @param said what `holds` prints; null: it fails */
  holding(now: number, said: { readonly kid: string | null } | null): Holding {
    const place = { outlet: this.label, kind: 'deliver', format: 'jwk' } as const;
    if (said === null) return { ...place, keys: [], intact: false, problem: 'its holds fails' };
    const { kid } = said;
    const busy = this.isCommand && this.given.until !== null ? { busyUntil: this.given.until } : {};
    const keys = kid === null ? null : [{ kid, thumbprint: kid }];
    return { ...place, keys, intact: kid !== null && this.isIntact(now), ...busy };
  }
}
