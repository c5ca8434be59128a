import { setTimeout as wait } from 'node:timers/promises';
import { decodeProtectedHeader } from 'jose';
import type { Stage } from './stage.js';

const kidOf = (token: string): string => decodeProtectedHeader(token).kid ?? '';

/** One check of one token. Times are milliseconds since the epoch. */
export interface Check {
  readonly kid: string;
  readonly status: number;
  readonly from: number;
  readonly to: number;
}

const ACCEPTED = [200, 204];
/** A verifier that says "invalid" of a good token. Another status, or none, says that it can't tell. */
const REJECTED = [400, 401, 403];
export const isAccepted = ({ status }: Pick<Check, 'status'>): boolean => ACCEPTED.includes(status);
export const isRejected = ({ status }: Pick<Check, 'status'>): boolean => REJECTED.includes(status);

/** Tokens are minted and checked all the time; those of before are checked again and again. */
export class Traffic {
  readonly checks: Check[] = [];
  readonly #stage: Pick<Stage, 'mint' | 'check'>;
  /** The first and the newest token of each kid. */
  readonly #tokens = new Map<string, { readonly first: string; newest: string }>();
  /** From when on a kid's tokens may be rejected, and from when on they must be. */
  readonly #leaks = new Map<string, { readonly asked: number; bound: number }>();
  /** What was checked then is known to have been rejected. */
  readonly #excused: { readonly from: number; readonly to: number }[] = [];
  #isOver = false;
  readonly #work: Promise<unknown>;

  constructor(stage: Pick<Stage, 'mint' | 'check'>) {
    this.#stage = stage;
    this.#work = Promise.all([this.#mintAndCheck(), this.#checkAgain()]);
    this.#work.catch(() => {});
  }

  async #mintAndCheck(): Promise<void> {
    for (; !this.#isOver; await wait(50)) {
      const token = await this.#stage.mint();
      if (token === null) continue;
      const kid = kidOf(token);
      const known = this.#tokens.get(kid);
      if (known === undefined) this.#tokens.set(kid, { first: token, newest: token });
      else known.newest = token;
      await this.#check(token);
    }
  }

  async #checkAgain(): Promise<void> {
    for (; !this.#isOver; await wait(50))
      for (const { first, newest } of [...this.#tokens.values()])
        for (const token of new Set([first, newest])) await this.#check(token);
  }

  async #check(token: string): Promise<void> {
    const from = Date.now();
    const status = await this.#stage.check(token);
    this.checks.push({ kid: kidOf(token), status, from, to: Date.now() });
  }

  /** A token of that kid that is held since before. */
  held(kid: string): string {
    const tokens = this.#tokens.get(kid);
    if (tokens === undefined) throw new Error(`no token of ${kid} was minted`);
    return tokens.first;
  }

  kids(): string[] {
    return [...this.#tokens.keys()];
  }

  leaked(kid: string): void {
    this.#leaks.set(kid, { asked: Date.now(), bound: Number.POSITIVE_INFINITY });
  }

  /** From now on no token of it may be accepted. */
  mustBeRejected(kid: string): void {
    const leak = this.#leaks.get(kid);
    if (leak === undefined) throw new Error(`${kid} has not leaked`);
    leak.bound = Date.now();
  }

  /** Rejections from that time to now are what the page says of this party. */
  excuse(from: number): void {
    this.#excused.push({ from, to: Date.now() });
  }

  /** Rejections of good tokens: of keys that had not leaked when the answer came. */
  wronglyRejected(): Check[] {
    return this.checks.filter(
      (check) =>
        isRejected(check) &&
        !(check.to >= (this.#leaks.get(check.kid)?.asked ?? Infinity)) &&
        !this.#excused.some(({ from, to }) => check.to >= from && check.from <= to),
    );
  }

  wronglyAccepted(): Check[] {
    return this.checks.filter(
      (check) => isAccepted(check) && check.from > (this.#leaks.get(check.kid)?.bound ?? Infinity),
    );
  }

  /** Neither accepted nor rejected. */
  unanswered(): Check[] {
    return this.checks.filter((check) => !isAccepted(check) && !isRejected(check));
  }

  /** Seconds from that time to the first acceptance of a token of it. */
  firstAccepted(kid: string, since: number): number {
    return this.#first(since, (check) => check.kid === kid && isAccepted(check), `acceptance of ${kid}`);
  }

  firstRejected(kid: string, since: number): number {
    return this.#first(since, (check) => check.kid === kid && isRejected(check), `rejection of ${kid}`);
  }

  #first(since: number, isIt: (check: Check) => boolean, what: string): number {
    const first = this.checks.filter((check) => check.to >= since && isIt(check)).sort((a, b) => a.to - b.to)[0];
    if (first === undefined) throw new Error(`no ${what} was seen`);
    return (first.to - since) / 1000;
  }

  async end(): Promise<void> {
    this.#isOver = true;
    await this.#work;
  }
}
