import type { OutletContent } from '../../src/keyset/published/jwk-set.js';
import type { PublishOutlet } from '../../src/outlets/configured.js';
import type { OutletRecord } from '../../src/outlets/record.js';
import type { World } from './world.js';

/** What an outlet held from `from` until `until`. */
export interface Content {
  readonly kids: readonly string[];
  /** Nothing is there. */
  readonly absent: boolean;
  readonly from: number;
  until: number;
  /** Kids whose absence an outsider has caused: a deployment or a reboot took them while they were in use. */
  readonly takenAway: ReadonlySet<string>;
  /** When each kid came to this place for the first time. */
  readonly shown: ReadonlyMap<string, number>;
  /** Somebody outside wrote it. */
  readonly isForeign: boolean;
  /** Somebody outside wrote it between a run's last look and its write. */
  unseen?: boolean;
  /** A run has looked at it. */
  looked?: boolean;
}

const NOBODY: ReadonlySet<string> = new Set();

/** A published file, a directory with a file for each key, or what a command published. It keeps its history, since readers cache. */
export class PublishPlace {
  record: OutletRecord | null = null;
  content: Content;
  readonly #shown = new Map<string, number>();
  history: Content[] = [];
  /** For a command: what it was last given, and whether it said that it accepted that. */
  given: { kids: readonly string[] | null; settled: boolean; until: number | null } = {
    kids: null,
    settled: true,
    until: null,
  };
  /** The highest revision that a command has taken. */
  taken = 0;
  /** How long the next commands take, in milliseconds, for traces. */
  readonly slowCommands: number[] = [];

  constructor(
    readonly world: World,
    readonly outlet: PublishOutlet,
    readonly label: string,
    readonly options: { readonly tmpfs: boolean; readonly heedsRevision: boolean; readonly unlisted: boolean },
  ) {
    const until = Number.POSITIVE_INFINITY;
    this.content = {
      kids: [],
      absent: true,
      from: world.now,
      until,
      takenAway: NOBODY,
      isForeign: false,
      shown: this.#shown,
    };
  }

  /** What a command is believed to hold; null: unknown. */
  heldByCommand(now: number): readonly string[] | null {
    const { kids, settled, until } = this.given;
    return settled && until !== null && now >= until ? null : kids;
  }

  set(kids: readonly string[], options: { absent?: boolean; takenAway?: ReadonlySet<string> } = {}): void {
    const { world, content } = this;
    content.until = world.now;
    // Two outsiders wrote in a row: nobody can know what was there in between.
    if (options.takenAway !== undefined && content.takenAway !== NOBODY && content.looked !== true)
      content.unseen = true;
    const held = this.outlet.type === 'directory' ? [...kids].sort() : kids;
    for (const kid of kids) if (!this.#shown.has(kid)) this.#shown.set(kid, world.now);
    const oldest = world.now - world.shape.policy.jwksMaxAge - 600_000;
    this.history = [...this.history.filter((one) => one.until > oldest), content];
    this.content = {
      kids: held,
      absent: options.absent ?? false,
      from: world.now,
      until: Number.POSITIVE_INFINITY,
      takenAway: options.takenAway ?? NOBODY,
      isForeign: options.takenAway !== undefined,
      shown: this.#shown,
    };
    if (this.options.unlisted) world.tokens.contentChanged(this);
  }

  /** What a reader with a copy of this age sees; never the absence before the first set. */
  read(age: number): Content {
    const when = this.world.now - age;
    const old = this.history.find((one) => one.until > when && !one.absent);
    return old ?? this.content;
  }

  /** Everything that an unlisted verifier may hold now. */
  cached(maxAge: number): Content[] {
    const since = this.world.now - maxAge;
    return [...this.history.filter((one) => one.until > since && !one.absent), this.content];
  }
}

export function wantedKids(content: OutletContent, outlet: PublishOutlet): readonly string[] | null {
  const kids = content.jwks.keys.map((key) => key.kid);
  if (kids.length === 0 && !content.allowEmpty) return null;
  return outlet.type === 'directory' ? kids.sort() : kids;
}

export function sameKids(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((kid, i) => kid === b[i]);
}
