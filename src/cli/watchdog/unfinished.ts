import type { Duration } from '../../keyset/basics/clock.js';
import { approximateDuration } from '../../keyset/basics/duration.js';
import { JwtrotError } from '../../keyset/basics/error.js';
import { shellWord } from '../../keyset/basics/outside-text.js';
import type { Action } from '../../keyset/planning/action.js';
import type { Progress } from '../../rollout/context.js';
import { instanceName } from '../output/progress.js';
import { actionText } from '../output/words.js';
import type { Message } from './supervised.js';

/** The most awaited instances to name. */
const MOST_NAMES = 20;

/** Steps that only commit. */
const COMMITS: ReadonlySet<Action['type']> = new Set(['record-retirement', 'retire']);

/** Steps that wait for services. */
const WAITS: ReadonlySet<Action['type']> = new Set([
  'confirm-verifiers',
  'confirm-signers',
  'confirm-drop',
  'recheck-drop',
  'refresh-services',
]);

/** Collects what a worker tells, and words it if the worker does not finish. */
export class Unfinished {
  /** For standard output. */
  result: string | null = null;
  exit: number | null = null;
  #key: string | null = null;
  readonly #done = new Set<string>();
  /** The action of each keyset. */
  readonly #underWay = new Map<string, Action>();
  /** Instances that have not confirmed, and why. */
  readonly #open = new Map<string, string | null>();
  /** Those that are still waited for. */
  readonly #awaited = new Set<string>();
  readonly #problems = new Set<string>();

  /** @param most how long the whole command may take */
  constructor(private readonly most: Duration) {}

  hear(message: Message): void {
    switch (message.type) {
      case 'began':
        this.#key = `key ${message.kid} of keyset ${message.keyset} in ${message.store}`;
        break;
      case 'progress':
        this.#see(message.event);
        break;
      case 'result':
        this.result = message.text;
        break;
      case 'ended':
        this.exit = message.exit;
    }
  }

  overTheWall(argv: readonly string[]): JwtrotError {
    const most = approximateDuration(this.most);
    if (this.#key === null) {
      return new JwtrotError(
        'store',
        'wall',
        `the configuration, the store and the key could not be read within ${most}: something hangs; nothing was changed`,
        { hint: `does a file system or a server not answer (NFS, FUSE)? then again: ${again(argv)}` },
      );
    }
    return new JwtrotError(
      'services',
      'wall',
      `the retirement of ${this.#key} was stopped after ${most}, its deadline and 10s more: ${this.#why()}; ${this}`,
      { hint: `go on with what is open: ${again(argv)}` },
    );
  }

  endedBy(signal: NodeJS.Signals, argv: readonly string[]): JwtrotError {
    const what = this.#key === null ? 'the search for the key' : `the retirement of ${this.#key}`;
    return new JwtrotError(
      'services',
      'worker-ended',
      `${what} was ended by ${signal}: by another jwtrot retire, by hand, or for want of memory; ${this}`,
      { hint: `go on with what is open: ${again(argv)}` },
    );
  }

  /** Between two steps, and once no service is waited for any more, it is a file or the store. */
  #why(): string {
    const actions = [...this.#underWay.values()];
    const isAwaited = actions.length > 0 && actions.every(({ type }) => WAITS.has(type)) && this.#awaited.size > 0;
    return isAwaited ? 'services were still being waited for' : 'something in it hangs';
  }

  /** `done: …; still open: …`. */
  toString(): string {
    const done = this.#done.size === 0 ? 'nothing' : [...this.#done].join(', ');
    const awaited = [...this.#open].map(([name, why]) => (why === null ? name : `${name} (${why})`));
    const more = awaited.length - MOST_NAMES;
    const others = more > 0 ? [`${more} more`] : [];
    const actions = this.#underWay.size === 0 ? ['the next step'] : [...this.#underWay.values()].map(actionText);
    const open = [...actions, ...awaited.slice(0, MOST_NAMES), ...others, ...this.#problems];
    return `done: ${done}; still open: ${open.join(', ')}`;
  }

  #see(event: Progress): void {
    switch (event.type) {
      case 'action':
        this.#underWay.set(event.keyset, event.action);
        break;
      case 'done':
        this.#underWay.delete(event.keyset);
        if (event.isStoreless === true && COMMITS.has(event.action.type))
          this.#problems.add('the store does not know of the request');
        else this.#done.add(actionText(event.action));
        break;
      case 'instance': {
        const name = instanceName(event.service, event.instance);
        if (event.state === 'confirmed') this.#open.delete(name);
        else this.#open.set(name, event.reason);
        if (event.state === 'confirmed' || event.state === 'unconfirmed') this.#awaited.delete(name);
        else this.#awaited.add(name);
        break;
      }
      case 'blocked':
        this.#problems.add(event.text);
    }
  }
}

function again(argv: readonly string[]): string {
  return `jwtrot ${argv.map(shellWord).join(' ')}`;
}
