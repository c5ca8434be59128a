import { writeSync } from 'node:fs';
import type { Clock, Instant } from '../../keyset/basics/clock.js';
import { approximateDuration } from '../../keyset/basics/duration.js';
import { escapeOutside } from '../../keyset/basics/outside-text.js';
import type { Progress } from '../../rollout/context.js';
import { actionText } from './words.js';

/** sd_listen_fds(3): the first descriptor that systemd hands over. */
const FIRST = 3;
const NAME = 'jwtrot-status';
/** How often the waiting time is updated, in milliseconds. */
const TICK = 2_000;

/**
 * Tells the service manager what is under way, for `systemctl status` (sd_notify(3), STATUS=). Node can't open a Unix
 * datagram socket, but it can write to one, so the unit's `OpenFile=` lets systemd connect it (253 and later).
 * @returns null: there is no such socket
 */
export function statusBoard(
  env: Readonly<Record<string, string | undefined>>,
  clock: Clock,
  pid = process.pid,
): StatusBoard | null {
  if (env['LISTEN_PID'] !== String(pid)) return null;
  const at = (env['LISTEN_FDNAMES'] ?? '').split(':').indexOf(NAME);
  return at === -1 ? null : new StatusBoard(clock, (text) => void writeSync(FIRST + at, text));
}

interface Awaited {
  readonly service: string;
  readonly instance: string;
  readonly since: Instant;
  confirmed: boolean;
}

/** Shows the step under way, the awaited instances, and since when. */
export class StatusBoard {
  #title = '';
  #keyset = '';
  #timer: NodeJS.Timeout | null = null;
  readonly #awaited = new Map<string, Awaited>();

  constructor(
    private readonly clock: Clock,
    private readonly send: (text: string) => void,
  ) {}

  show(event: Progress): void {
    if (event.type === 'action') {
      this.#awaited.clear();
      this.#keyset = event.keyset;
      this.#title = actionText(event.action);
      this.#timer ??= setInterval(() => this.#awaited.size > 0 && this.tell(this.now()), TICK).unref();
    } else if (event.type === 'instance') {
      const { service, instance, state } = event;
      const name = `${service}/${instance}`;
      const since = this.#awaited.get(name)?.since ?? this.clock.now();
      this.#awaited.set(name, { service, instance, since, confirmed: state === 'confirmed' });
    } else return;
    this.tell(this.now());
  }

  /** Shows a text that stays when the run is over. */
  say(text: string): void {
    this.end();
    this.tell(text);
  }

  end(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }

  private tell(text: string): void {
    const [line = ''] = text.split('\n');
    try {
      this.send(`STATUS=${escapeOutside(line)}`);
    } catch {
      // The run goes on even if nobody hears of it.
    }
  }

  private now(): string {
    return `${this.#keyset}: ${this.#awaited.size === 0 ? this.#title : this.waiting()}`;
  }

  /** `2 of 5 services confirmed, waiting for gateway (10.0.0.7) since 14s`. */
  private waiting(): string {
    const all = [...this.#awaited.values()];
    const open = all.filter((one) => !one.confirmed);
    const noun = new Set(all.map((one) => one.service)).size === all.length ? 'services' : 'instances';
    const count = `${all.length - open.length} of ${all.length} ${noun} confirmed`;
    const [first, ...others] = open;
    if (first === undefined) return count;
    const name = first.instance === first.service ? first.service : `${first.service} (${first.instance})`;
    const more = others.length === 0 ? '' : ` and ${others.length} more`;
    return `${count}, waiting for ${name}${more} since ${approximateDuration(this.clock.now() - first.since)}`;
  }
}
