import type { JwtrotError } from '../keyset/basics/error.js';
import { type OtherHistory, otherHistory, rememberedFrom } from '../keyset/history/other-history.js';
import { type KeysetRecord, recorded, retiredElsewhere, returnedKey } from '../keyset/history/record.js';
import type { Manifest } from '../keyset/manifest/model.js';
import { isIncident } from '../keyset/questions/open-incidents.js';
import type { KeysetContext } from './context.js';
import { keyReturned, troubleFrom } from './other-history.js';

/** What this host remembers of the keyset, as a run reads it and adds to it. */
export class HostMemory {
  /** Failures to read or write the record that must not end the run. */
  readonly troubles: JwtrotError[] = [];
  /** The record as it was before this run. */
  private readonly former: KeysetRecord | null;

  private constructor(
    private readonly context: Pick<KeysetContext, 'name' | 'records' | 'bound' | 'host'>,
    /** An incident: a record that can't be read or written is reported, and does not end the run. */
    private readonly goesOn: boolean,
    private record: KeysetRecord | null,
  ) {
    this.former = record;
  }

  /** @throws JwtrotError `record-damaged` and the like, unless the run goes on */
  static async open(context: KeysetContext, goesOn: boolean): Promise<HostMemory> {
    try {
      return new HostMemory(context, goesOn, await context.records.read());
    } catch (error) {
      if (!goesOn) throw error;
      const memory = new HostMemory(context, goesOn, null);
      memory.note(error);
      return memory;
    }
  }

  /** What this host remembers; null: nothing, or it can't be read. */
  get known(): KeysetRecord | null {
    return this.record;
  }

  isRetired(thumbprint: string): boolean {
    return isRetiredIn(this.record, thumbprint);
  }

  /** Whether it was retired here before this run began. */
  wasRetired(thumbprint: string): boolean {
    return isRetiredIn(this.former, thumbprint);
  }

  /** A key that was retired never returns, under whatever kid. @throws JwtrotError `retired-key` */
  assertNoneReturns(manifest: Manifest): void {
    const back = this.goesOn ? null : returnedKey(this.record, manifest);
    if (back !== null) throw keyReturned(this.context.name, back.kid);
  }

  /** A host without a record learns nothing by reading another host's keyset: `--take-over` asks the operator first. */
  mayLearnFrom(manifest: Manifest): boolean {
    const { bound, host } = this.context;
    const isElsewhere = bound && manifest.host !== null && manifest.host.id !== host.self.host;
    return this.record !== null || !isElsewhere;
  }

  /**
   * Remembers a manifest of this history, or of `other`.
   * @returns `other`, or the other history that another run's record shows it to be
   * @throws JwtrotError where the record can't be written, outside of an incident
   */
  async learn(manifest: Manifest, other: OtherHistory | null): Promise<OtherHistory | null> {
    if (remembered(this.record, manifest, other) === this.record) return other;
    const found = { other, record: this.record };
    try {
      await this.context.records.update((record) => {
        found.other = other ?? anotherCommit(record, manifest);
        found.record = remembered(record, manifest, found.other);
        return found.record;
      });
    } catch (error) {
      if (!this.goesOn && !isIncident(manifest)) throw error;
      this.note(error);
      return other;
    }
    this.record = found.record;
    return found.other;
  }

  /** Keeps a failure, which is reported once at the end of the run. */
  note(error: unknown): void {
    const trouble = troubleFrom(error);
    if (!this.troubles.some(({ message }) => message === trouble.message)) this.troubles.push(trouble);
  }
}

function isRetiredIn(record: KeysetRecord | null, thumbprint: string): boolean {
  return record?.retired.some((one) => one.thumbprint === thumbprint) ?? false;
}

/** The record after this manifest; the very same object if nothing is new. */
function remembered(record: KeysetRecord | null, manifest: Manifest, other: OtherHistory | null): KeysetRecord | null {
  if (other === null) return recorded(record, manifest);
  const known = other.why === 'outlet-ahead' ? rememberedFrom(other, manifest, record) : record;
  return known === null ? null : retiredElsewhere(known, manifest);
}

/** Since this run began, another one has recorded another commit of that revision: the store lost that history. */
function anotherCommit(record: KeysetRecord | null, manifest: Manifest): OtherHistory | null {
  const other = otherHistory(record, manifest);
  return other?.why === 'commit' ? other : null;
}
