import { JwtrotError } from '../../src/keyset/basics/error.js';
import { NOTHING_ASKED, type Request } from '../../src/keyset/planning/action.js';
import type { RetireRequest } from '../../src/keyset/questions/incidents.js';
import { activeKey, publishedKeys } from '../../src/keyset/questions/keys.js';
import { adoptKey } from '../../src/rollout/adopt.js';
import type { ForeignKey } from '../../src/rollout/adoptable.js';
import { type KeysetResult, rotateKeyset } from '../../src/rollout/rotate.js';
import { syncKeyset } from '../../src/rollout/sync.js';
import { short } from './keys.js';
import { sameKids } from './outlet.js';
import { recoverStore } from './recovering.js';
import { type Fate, type Runner, type SimHost, UNDISTURBED } from './runner.js';
import { checkEnd, watchOver } from './wall.js';
import type { World } from './world.js';

/** A process that was started, and its result. */
const UNFORESEEN = ['unforeseen', 'would-break', 'illegal-move', 'key-mismatch'];

export interface Started {
  readonly runner: Runner;
  result: KeysetResult | null;
}

/** Starts the commands of timers and operators, and moves time on. */
export class Operators {
  /** What the newest `sync` of each host has told its operator to do. */
  readonly hints = new Map<SimHost, readonly string[]>();

  constructor(readonly world: World) {}

  rotate(asked: Partial<Request> = {}, fate: Fate = UNDISTURBED, host: SimHost = this.world.hosts[0]): Started {
    const { world } = this;
    const request: Request = { ...NOTHING_ASKED, ...asked };
    const verb = request.retire === null ? 'rotate' : 'retire';
    const runner = world.start(host, verb, fate);
    const options = Object.entries(asked)
      .filter(([, value]) => value === true)
      .map(([name]) => ` --${name}`);
    world.say(runner, () => `starts on ${host.id}${options.join('')} ${short(request.retire?.kid)}`);
    const started: Started = { runner, result: null };
    void rotateKeyset(world.context(runner), request).then((result) => {
      started.result = result;
      this.#ended(runner, result);
      if (request.retire === null) return;
      world.checks.lineage.retireEnded(runner, request.retire.kid, result);
      checkEnd(world, runner, result);
    });
    if (request.retire !== null) watchOver(world, runner, request.retire);
    return started;
  }

  #ended(runner: Runner, result: KeysetResult): void {
    const { world } = this;
    const { error } = result;
    world.say(
      runner,
      () => `ends: ${result.outcome}, exit ${result.exit}${error === null ? '' : `: ${error.message}`}`,
    );
    for (const { code, message } of result.problems) {
      world.say(runner, () => `problem: ${message}`);
      // An incident goes on after a failed record.
      if (UNFORESEEN.includes(code)) world.break('unforeseen', message);
    }
    const aborted = runner.controller.signal.aborted;
    if (error !== null && !(error instanceof JwtrotError) && !aborted)
      world.break('unforeseen', error.stack ?? error.message);
    if (error instanceof JwtrotError && UNFORESEEN.includes(error.code)) world.break('unforeseen', error.message);
    runner.die();
  }

  /** `retire --kid`: afterwards the key is in no outlet of this host, unless there is nothing to take its place. */
  retire(
    kid: string,
    options: { deadline?: number; noReplacement?: boolean; purge?: boolean } = {},
    fate = UNDISTURBED,
  ): Started {
    const { world } = this;
    const { deadline = 120_000, noReplacement = false, purge = false } = options;
    if (noReplacement) world.checks.mayBeKeyless = true;
    const stray = this.#asFound(kid);
    const retire = { kid, reason: 'compromised', deadline, noReplacement, purge, ...stray } as const;
    const started = this.rotate({ retire, incidentOnly: true }, fate);
    if (noReplacement) world.checks.bare.add(started.runner);
    return started;
  }

  /** The key as the command found it, in the store or in an outlet: the store may fail before it is retired. */
  #asFound(kid: string): Pick<RetireRequest, 'stray'> {
    const key = this.world.store.manifest?.keys.find((one) => one.kid === kid);
    if (key?.publicJwk == null) return {};
    const { thumbprint, alg, publicJwk, hasPrivate } = key;
    return { stray: { kid, thumbprint, alg, publicJwk, hasPrivate } };
  }

  /** `jwtrot import` */
  adopt(key: ForeignKey, fate: Fate = UNDISTURBED): Started {
    const { world } = this;
    const runner = world.start(world.hosts[0], 'import', fate);
    world.say(runner, () => `imports ${short(key.kid)}`);
    const end = (what: string) => {
      world.say(runner, () => `ends: ${what}`);
      runner.die();
    };
    adoptKey(world.context(runner), key).then(
      () => end('adopted'),
      (error: Error) => {
        if (!(error instanceof JwtrotError) && !runner.controller.signal.aborted)
          world.break('unforeseen', error.stack ?? '');
        end(error.message);
      },
    );
    return { runner, result: null };
  }

  /** `jwtrot store recover` */
  recover(host: SimHost = this.world.hosts[0], fate: Fate = UNDISTURBED): Started {
    const { world } = this;
    const runner = world.start(host, 'store recover', fate);
    world.say(runner, () => `starts on ${host.id}`);
    const end = (what: string) => {
      world.say(runner, () => `ends: ${what}`);
      runner.die();
    };
    recoverStore(world, runner).then(end, (error: Error) => {
      const isForeseen = error instanceof JwtrotError && !UNFORESEEN.includes(error.code);
      if (!isForeseen && !runner.controller.signal.aborted) world.break('unforeseen', error.stack ?? error.message);
      end(error.message);
    });
    return { runner, result: null };
  }

  sync(host: SimHost, fate: Fate = UNDISTURBED): Runner {
    const { world } = this;
    const runner = world.start(host, 'sync', fate);
    world.say(runner, () => `starts on ${host.id}`);
    const end = (what: string) => {
      world.say(runner, () => `ends: ${what}`);
      runner.die();
    };
    this.hints.delete(host);
    syncKeyset(world.context(runner)).then(
      ({ problems }) => {
        this.hints.set(
          host,
          problems.flatMap(({ hint }) => hint ?? []),
        );
        end(problems.length === 0 ? 'done' : problems.map(({ message }) => message).join('; '));
      },
      (error: Error) => {
        if (error instanceof JwtrotError && error.hint !== undefined) this.hints.set(host, [error.hint]);
        if (!(error instanceof JwtrotError) && !runner.controller.signal.aborted)
          world.break('unforeseen', error.stack ?? '');
        end(error.message);
      },
    );
    return runner;
  }

  /** The second host runs `sync` soon after every commit that concerns its outlets. */
  keepSecondHost(): void {
    const { world } = this;
    const delays = world.source('second host').stream('delay');
    let due = false;
    let retries = 0;
    let count = 0;
    const look = () => {
      due = false;
      if (!this.#isBehind()) return;
      count += 1;
      this.sync(world.hosts[1], { ...UNDISTURBED, source: world.source(`sync${count}`) });
      world.scheduler.drain = true;
      if (retries > 0) ask();
      retries -= 1;
    };
    const ask = () => {
      if (due) return;
      due = true;
      world.scheduler.after(delays.between(500, 5_000), look);
    };
    world.onCommit = () => {
      retries = 10;
      ask();
    };
  }

  #isBehind(): boolean {
    const { manifest } = this.world.store;
    const outlets = this.world.outlets[1];
    if (manifest === null) return false;
    const kids = publishedKeys(manifest).map((key) => key.kid);
    const active = activeKey(manifest)?.kid ?? null;
    const publishes = outlets.publish.every((place) => sameKids(place.content.kids, kids));
    return !publishes || outlets.deliver.some((place) => place.kid !== active);
  }

  /** Moves time on until this process has ended or was killed, or until this much time has passed. */
  async until(started: { readonly runner: Runner }, most = Number.POSITIVE_INFINITY): Promise<void> {
    const { world } = this;
    const limit = Math.min(world.now + most, world.now + 10 * 86_400_000);
    await world.scheduler.run(() => !started.runner.alive || world.violations.length > 0, limit);
  }

  async pass(duration: number): Promise<void> {
    const { world } = this;
    await world.scheduler.run(() => world.violations.length > 0, world.now + duration);
  }

  /** A run that nothing disturbs. */
  async run(asked: Partial<Request> = {}, host?: SimHost): Promise<KeysetResult | null> {
    const started = this.rotate(asked, UNDISTURBED, host);
    await this.until(started);
    return started.result;
  }
}
