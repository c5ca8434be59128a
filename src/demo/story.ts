import { type Clock, type Duration, SECOND } from '../keyset/basics/clock.js';
import type { JsonObject } from '../keyset/basics/foreign-json.js';
import type { Issuer, Service } from './services.js';
import type { Ran, Site } from './site.js';
import { type Happening, nameOf, secondsOf } from './timeline.js';
import { forge } from './tokens.js';
import type { Traffic } from './traffic.js';

/** Everything that the story happens to. */
export interface Stage {
  readonly site: Site;
  readonly issuers: readonly Issuer[];
  readonly verifiers: readonly Service[];
  readonly traffic: Traffic;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Called for everything that happens. */
  tell(happening: Happening): void;
}

export interface Told {
  /** Switches to a new key that were confirmed. */
  readonly rotations: number;
  /** What did not come out as it should; empty: all did. */
  readonly failures: readonly string[];
}

type Act = (told: Telling) => Promise<void>;

/** When each act begins, as a part of the whole time. */
const ACTS: readonly (readonly [at: number, act: Act])[] = [
  [0.12, rotation],
  [0.32, breakage],
  [0.55, mending],
  [0.66, leak],
];
/** So many characters of a kid are enough for `retire`. */
const KID_PREFIX = 8;
/** The pause between two runs of the timer. */
const TIMER: Duration = SECOND;

/** Plays the story while the traffic runs. */
export async function tellStory(stage: Stage, length: Duration): Promise<Told> {
  const telling = new Telling(stage);
  for (const [at, act] of ACTS) {
    await telling.timerUntil(at * length);
    await act(telling);
  }
  await telling.timerUntil(length);
  return telling;
}

async function rotation(told: Telling): Promise<void> {
  await told.rotates();
}

/** A new key breaks one of the issuers. */
async function breakage(told: Telling): Promise<void> {
  const [issuer] = told.stage.issuers;
  if (issuer === undefined) return;
  issuer.fault = 'no-other-key';
  told.say('trouble', `${issuer.name} breaks: it can work with no other key than the one that it has`);
  const { outcome, active } = await told.verb('rotated', 'rotate', '--immediate');
  const isBack = outcome === 'rolled-back';
  told.say('result', isBack ? `rolled back: ${told.name(active)} signs on, and no token was lost` : `it is ${outcome}`);
  if (!isBack) told.failures.push(`the rotation that broke ${issuer.name} was not rolled back: ${outcome}`);
}

async function mending(told: Telling): Promise<void> {
  for (const issuer of told.stage.issuers) issuer.fault = null;
  told.say('trouble', 'the issuer is mended');
  await told.rotates();
}

/** Somebody has read the delivered key. */
async function leak(told: Telling): Promise<void> {
  const { site, traffic, clock } = told.stage;
  const stolen = await site.deliveredKey();
  const kid = String(stolen['kid']);
  told.say('trouble', `${told.name(kid)} leaks: somebody signs tokens with a copy of it`);
  for (const [name, refusal] of await forged(told, stolen))
    if (refusal !== null) told.failures.push(`${name} refuses the thief's token before the key is retired: ${refusal}`);
  traffic.leaked(kid);
  const began = clock.monotonic();
  const ran = await told.verb('retired', 'retire', '--kid', kid.slice(0, KID_PREFIX), '--yes', '--deadline', '5s');
  if (ran.outcome !== 'retired') return;
  told.rotations += 1;
  const took = secondsOf(clock.monotonic() - began).trim();
  const wrong = (await forged(told, stolen)).filter(([, refusal]) => refusal !== VOID);
  if (wrong.length === 0)
    told.say('result', `retired in ${took}: every verifier refuses the thief's tokens, ${told.name(ran.active)} signs`);
  for (const [name, refusal] of wrong)
    told.failures.push(`${name} answers the thief's token, after its key was retired, with ${refusal ?? 'yes'}`);
}

/** What a verifier answers that does not know the key. */
const VOID = '401: {"error":"unknown-kid"}';

/** A token of the thief's, shown to every verifier. */
async function forged({ stage }: Telling, stolen: JsonObject): Promise<[name: string, refusal: string | null][]> {
  const token = await forge(stolen);
  return Promise.all(
    stage.verifiers.map(
      async (one): Promise<[string, string | null]> => [one.name, await stage.traffic.check(token, one)],
    ),
  );
}

class Telling implements Told {
  rotations = 0;
  readonly failures: string[] = [];
  readonly #began: Duration;

  constructor(readonly stage: Stage) {
    this.#began = stage.clock.monotonic();
  }

  say(type: Happening['type'], text: string): void {
    this.stage.tell({ at: this.#at(), type, text });
  }

  name(kid: string | null): string {
    if (kid === null) return 'no key';
    this.stage.traffic.see(kid);
    return nameOf(this.stage.traffic.kids, kid);
  }

  /** As its timer would: `jwtrot rotate`, again and again. It retires what has expired. */
  async timerUntil(at: Duration): Promise<void> {
    const { clock, signal, site } = this.stage;
    for (;;) {
      const left = at - this.#at();
      if (left > 0) await clock.sleep(Math.min(left, TIMER), signal);
      if (this.#at() >= at) return;
      const { outcome, problem } = await site.run('rotate');
      if (problem !== null && outcome === 'failed') this.failures.push(`jwtrot rotate: ${problem}`);
    }
  }

  async rotates(): Promise<void> {
    const began = this.stage.clock.monotonic();
    const { outcome, active } = await this.verb('rotated', 'rotate', '--immediate');
    if (outcome !== 'rotated') return;
    this.rotations += 1;
    const took = secondsOf(this.stage.clock.monotonic() - began).trim();
    this.say('result', `rotated in ${took}: ${this.name(active)} signs`);
  }

  /** @param wanted anything else is a failure, unless it was rolled back as the story wants it */
  async verb(wanted: string, ...args: readonly string[]): Promise<Ran> {
    this.say('command', `jwtrot ${args.join(' ')}`);
    const ran = await this.stage.site.run(...args);
    if (ran.outcome !== wanted && ran.outcome !== 'rolled-back')
      this.failures.push(`jwtrot ${args.join(' ')} came to: ${ran.outcome}${ran.problem ? `; ${ran.problem}` : ''}`);
    return ran;
  }

  #at(): Duration {
    return this.stage.clock.monotonic() - this.#began;
  }
}
