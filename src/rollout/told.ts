import type { Manifest } from '../keyset/manifest/model.js';
import { isRetired } from '../keyset/manifest/states.js';

/** What a store knows of a retirement: nothing, the request, or the end of the key as well. */
export type Extent = 'nothing' | 'request' | 'end';

/** What the store is known to know. If it fails during a run, only the run's earlier calls tell. */
export class Told {
  #seen: Manifest | null = null;
  #hasAnswered = false;
  #asked: Manifest | null = null;

  /** The store has answered: this manifest was read, or committed. */
  saw(manifest: Manifest | null): void {
    this.#hasAnswered = true;
    this.#seen = manifest;
    this.#asked = null;
  }

  /** A commit of this manifest went unanswered: it may have landed. */
  wasAsked(manifest: Manifest): void {
    this.#asked = manifest;
  }

  get hasAnswered(): boolean {
    return this.#hasAnswered;
  }

  /** The newest manifest that the store is known to have held; null: none. */
  get seen(): Manifest | null {
    return this.#seen;
  }

  /** What the store knows for certain. */
  of(kid: string): Extent {
    return extentIn(this.#seen, kid);
  }

  /** What the store may know besides, by a commit that went unanswered; null: nothing more. */
  inDoubt(kid: string): Exclude<Extent, 'nothing'> | null {
    const asked = extentIn(this.#asked, kid);
    return asked === 'nothing' || asked === this.of(kid) ? null : asked;
  }
}

function extentIn(manifest: Manifest | null, kid: string): Extent {
  if (manifest === null) return 'nothing';
  const key = manifest.keys.find((one) => one.kid === kid);
  if (key !== undefined && isRetired(key)) return 'end';
  return manifest.retirements.some((one) => one.kid === kid) ? 'request' : 'nothing';
}
