import { isUntold, otherHistory } from '../../src/keyset/history/other-history.js';
import type { Manifest } from '../../src/keyset/manifest/model.js';
import { activeKey } from '../../src/keyset/questions/keys.js';
import type { KeysetResult } from '../../src/rollout/rotate.js';
import { short } from './keys.js';
import type { PublishPlace } from './outlet.js';
import type { Runner, SimHost } from './runner.js';
import type { World } from './world.js';

/** What a store that was restored, or lost, must not do (docs/design.md, "Lineage and recovery"). */
export class LineageChecks {
  /** When each kid was retired, in any history. */
  readonly #retired = new Map<string, number>();

  /** Kids that an operator has named to `store recover`, and when last. */
  readonly #named = new Map<string, number>();
  /** Kids whose `retire` on the first host has ended: no run there may publish them, whenever it read the manifest. */
  readonly #over = new Set<string>();
  /** Kids that a host has retired while the store did not answer. Only that host knows. */
  readonly #untold = new Map<string, SimHost>();

  constructor(private readonly world: World) {}

  /** L3: only `retire` and `store recover` commit into a history that their host does not know. */
  committed(runner: Runner, before: Manifest | null, manifest: Manifest): void {
    for (const { kid, state } of manifest.keys) {
      const isRetired = state === 'retired' || state === 'destroyed';
      if (isRetired && !this.#retired.has(kid)) this.#retired.set(kid, this.world.now);
    }
    const { store, checks, tokens } = this.world;
    const other = otherHistory(runner.host.record, before);
    // The key is already out: there is none until another one is made.
    if (runner.verb === 'retire' && isUntold(other)) checks.mayBeKeyless = true;
    // There may be none after `store recover` either, if no private half is left: `rotate` makes one.
    if (runner.verb === 'store recover' && activeKey(manifest) === null) checks.mayBeKeyless = true;
    if (store.setBackAt === null) return;
    if (runner.verb === 'retire') {
      // In another history it makes no new key, since that could not be published.
      if (store.isSetBack || other !== null) checks.mayBeKeyless = true;
      if (store.isSetBack && other === null) tokens.excuse();
      return;
    }
    if (runner.verb === 'store recover') {
      store.isSetBack = false;
      this.#excuseLost(runner, before);
      return;
    }
    // A run can't tell if what it read, or remembered, before the store was set back is the store's newest again.
    if (other !== null && Math.min(runner.readAt, runner.startedAt) > store.setBackAt)
      this.world.break('L3', `${runner.verb} commits into another history (${other.why})`);
    else if (store.isSetBack) {
      // Its host knows nothing of what was lost: the history goes on from there, whatever was signed since.
      tokens.excuse();
      store.excuse(manifest);
      checks.mayBeKeyless = true;
      store.isSetBack = false;
    }
  }

  /**
   * `store recover` keeps what the manifest had in use and what an outlet of this host holds (docs/design.md). Of any
   * other key it sees at most a secret, which proves no use. It can't see another host's outlets: operators are told to
   * run it there too (docs/recovery.md).
   */
  #excuseLost({ host }: Runner, before: Manifest | null): void {
    const { tokens, outlets, hosts } = this.world;
    const { publish, deliver } = outlets[host === hosts[0] ? 0 : 1];
    const held = [
      ...publish.flatMap(({ content }) => content.kids),
      ...deliver.map(({ kid, isCommand }) => (isCommand ? null : kid)),
    ];
    const shown = before?.keys.filter(({ state }) => state !== 'creating').map(({ kid }) => kid) ?? [];
    for (const minted of tokens.live) {
      if (![...held, ...shown].includes(minted.kid)) minted.retired = true;
    }
  }

  /** Somebody has put a stranger's key into an outlet: an operator who is asked about it names it as retired. */
  isNobodys(kid: string): void {
    this.#retired.set(kid, this.world.now);
  }

  /** The kids that an operator names as retired when asked. @param asked the code of the refusal */
  nameRetired(asked: string): string[] {
    this.world.log(() => `asked (${asked}), the operator names as retired: ${[...this.#retired.keys()].map(short)}`);
    for (const kid of this.#retired.keys()) this.#named.set(kid, this.world.now);
    return [...this.#retired.keys()];
  }

  /** L1: jwtrot never again publishes a key that was retired in any history, whatever the store says. */
  published(runner: Runner, place: PublishPlace, kids: readonly string[]): void {
    const added = kids.filter((kid) => !place.content.kids.includes(kid));
    for (const kid of added) {
      // The store was not told, so other hosts can't know.
      if (this.#untold.get(kid) === runner.host)
        this.world.break('L1', `${short(kid)} is published again in ${place.label}, retired without the store`);
      const at = this.#retired.get(kid);
      if (at === undefined) continue;
      const isKnown = runner.host.record?.retired.some((one) => one.kid === kid) === true;
      if (isKnown && runner.host === this.world.hosts[0] && this.#over.has(kid))
        this.world.break('L4', `${short(kid)} is published in ${place.label} after its retire has ended`);
      // This host's record lacks what was lost with the store and what came after the read. A run that has just retired
      // the key waits for the lock, and writes next.
      const isNew = at >= runner.readAt || at <= (this.world.store.setBackAt ?? -1);
      const isNamed = (this.#named.get(kid) ?? Number.POSITIVE_INFINITY) < runner.readAt;
      if (isNamed || (isKnown ? at < runner.readAt : !isNew))
        this.world.break('L1', `${short(kid)} is published again in ${place.label}`);
    }
  }

  /** L4: a retire is never refused by lineage, and its key is out of every outlet, or the outlet is named. */
  retireEnded({ host }: Runner, kid: string, { error, problems, manifest }: KeysetResult): void {
    const { world } = this;
    const code = error !== null && 'code' in error ? String(error.code) : '';
    const isRemembered = host.record?.retired.some((one) => one.kid === kid) === true;
    if (LINEAGE_REFUSALS.includes(code)) world.break('L4', `retire is refused: ${error?.message}`);
    if (error !== null) return;
    const isGone = manifest?.keys.some((key) => key.kid === kid && key.state === 'retired') === true;
    const isNamed = problems.some(({ block }) => block === 'outlets');
    if (!isNamed && isGone) this.#over.add(kid);
    if (!isNamed && isGone && isRemembered && !this.#retired.has(kid)) this.#untold.set(kid, host);
    const outlets = world.outlets[host === world.hosts[0] ? 0 : 1];
    for (const place of outlets.publish) {
      const { kids, isForeign, unseen } = place.content;
      const isOnly = kids.length === 1;
      if (!kids.includes(kid) || isOnly || isForeign || unseen === true) continue;
      if (place.outlet.type === 'command' || isNamed) continue;
      world.break('L4', `retire has ended, ${short(kid)} is in ${place.label} still, and nobody says so`);
    }
  }
}

const LINEAGE_REFUSALS = ['other-history', 'stale-replica', 'retired-key', 'record-damaged'];
