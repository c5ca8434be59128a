import type { Progress } from '../../rollout/context.js';
import type { Level } from './journal.js';
import { instanceName, progressLine } from './progress.js';

export interface ProgressLine {
  readonly text: string;
  readonly level: Level;
}

/** A step with up to this many instances prints lines for each. With more it prints only those that did not confirm. */
const EACH = 20;

/**
 * The lines of a run that nobody watches: in a journal, a log, a pipe. A fleet of a thousand instances must not flood
 * them. So a step of many instances ends with a count, names at most twenty that did not confirm, and shows
 * twenty of its waves.
 */
export class ProgressLines {
  readonly #asked = new Set<string>();
  readonly #confirmed = new Set<string>();
  readonly #named = new Set<string>();
  #keyset = '';

  /** @param isWhole print lines for every instance, however many there are */
  constructor(private readonly isWhole: boolean) {}

  of(event: Progress): readonly ProgressLine[] {
    const line = progressLine(event);
    const own = line === null ? [] : [line];
    if (this.isWhole) return own;
    switch (event.type) {
      case 'asked':
        this.#keyset = event.keyset;
        for (const { service, instance } of event.instances) this.#asked.add(instanceName(service, instance));
        return [];
      case 'action':
        return [...this.end(), ...own];
      case 'done':
        return [...this.end(event.detail !== null), ...own];
      case 'blocked':
        return [...this.end(), ...own];
      case 'wave':
        return event.of > EACH && event.number % Math.ceil(event.of / EACH) !== 1 ? [] : own;
      case 'instance':
        return this.isWorthIt(event) ? own : [];
      default:
        return own;
    }
  }

  /** Ends the step. @param isSaid another line already says that all have confirmed */
  end(isSaid = false): readonly ProgressLine[] {
    const [all, confirmed, named] = [this.#asked.size, this.#confirmed.size, this.#named.size];
    for (const set of [this.#asked, this.#confirmed, this.#named]) set.clear();
    if (all <= EACH || (isSaid && confirmed === all)) return [];
    const others = all - confirmed - named;
    const more = others > 0 && named > 0 ? `; and ${others} more did not` : '';
    const level = confirmed === all ? 'info' : 'warning';
    return [{ text: `${this.#keyset}:   ${confirmed} of ${all} confirmed${more}`, level }];
  }

  private isWorthIt({ service, instance, state }: Extract<Progress, { type: 'instance' }>): boolean {
    const name = instanceName(service, instance);
    if (state === 'confirmed') this.#confirmed.add(name);
    if (this.#asked.size <= EACH) return true;
    if (state !== 'unconfirmed') return false;
    this.#confirmed.delete(name);
    if (this.#named.size >= EACH) return false;
    this.#named.add(name);
    return true;
  }
}
