import type { ChalkInstance } from 'chalk';
import type { Clock, Instant } from '../../keyset/clock.js';
import { approximateDuration } from '../../keyset/duration.js';
import type { Progress } from '../../rollout/context.js';
import type { TextStream } from '../environment.js';
import { instanceName, progressLine, waveText } from './progress.js';
import { actionText } from './words.js';

const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
/** Slow enough that waiting costs next to nothing. */
const TICK = 120;
const MOST_AWAITED = 8;
// biome-ignore lint/suspicious/noControlCharactersInRegex: SGR sequences are what is looked for
const ESCAPE = /(\u001b\[[0-9;]*m)/;

interface Awaited {
  readonly since: Instant;
  state: 'waiting' | 'reloading' | 'awaited' | 'confirmed' | 'unconfirmed';
  reason: string | null;
}

/** The step under way, with a spinner, and below it who is awaited and since when. Steps that are done stay as lines. */
export class LiveView {
  #title = '';
  #lines = 0;
  #frame = 0;
  #timer: NodeJS.Timeout | null = null;
  readonly #instances = new Map<string, Awaited>();
  /** Of each service; of all together under null. */
  readonly #waves = new Map<string | null, string>();

  constructor(
    private readonly stream: TextStream,
    private readonly color: ChalkInstance,
    private readonly clock: Clock,
  ) {}

  show(event: Progress): void {
    if (event.type === 'action') {
      this.settle();
      this.#title = `${event.keyset}: ${actionText(event.action)}`;
      this.start();
    } else if (event.type === 'done') {
      this.settle(event.detail);
    } else if (event.type === 'instance') {
      const name = instanceName(event.service, event.instance);
      const known = this.#instances.get(name);
      // Its turn has come: what counts is how long that takes.
      const began = known === undefined || known.state === 'waiting';
      this.#instances.set(name, {
        since: began ? this.clock.now() : known.since,
        state: event.state,
        reason: event.reason,
      });
      this.draw();
    } else if (event.type === 'wave') {
      this.#waves.set(event.service, waveText(event));
      this.draw();
    } else {
      const line = progressLine(event);
      this.clear();
      if (line !== null)
        this.stream.write(`  ${line.level === 'warning' ? this.color.yellow(line.text) : this.color.dim(line.text)}\n`);
    }
  }

  /** Takes the moving lines away, so that others can be printed. */
  clear(): void {
    if (this.#lines > 0) this.stream.write(`\u001b[${this.#lines}A\u001b[0J`);
    this.#lines = 0;
  }

  end(): void {
    this.settle();
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }

  private start(): void {
    this.#timer ??= setInterval(() => this.draw(), TICK).unref();
    this.draw();
  }

  /** The step becomes a line that stays. */
  private settle(detail: string | null = null): void {
    this.clear();
    if (this.#title !== '') {
      const states = [...this.#instances.values()].map((one) => one.state);
      const mark = states.some((state) => state !== 'confirmed') ? this.color.yellow('!') : this.color.green('✓');
      this.stream.write(`${mark} ${this.#title}${detail === null ? '' : this.color.dim(`: ${detail}`)}\n`);
    }
    this.#title = '';
    this.#instances.clear();
    this.#waves.clear();
  }

  private draw(): void {
    if (this.#title === '') return;
    this.clear();
    this.#frame = (this.#frame + 1) % FRAMES.length;
    const all = [...this.#instances];
    const confirmed = all.filter(([, one]) => one.state === 'confirmed').length;
    const count = all.length > 0 ? ` ${confirmed} of ${all.length} confirmed` : '';
    const lines = [`${this.color.cyan(FRAMES[this.#frame] ?? '')} ${this.#title}${count}`];
    for (const wave of this.#waves.values()) lines.push(this.color.dim(`    ${wave}`));
    const inTurn = all.filter(([, one]) => one.state !== 'confirmed' && one.state !== 'waiting');
    const waiting = all.filter(([, one]) => one.state === 'waiting');
    for (const [name, one] of [...inTurn, ...waiting].slice(0, MOST_AWAITED)) {
      const waited = approximateDuration(this.clock.now() - one.since);
      lines.push(
        this.color.dim(`    ${name} ${one.state} since ${waited}${one.reason === null ? '' : `: ${one.reason}`}`),
      );
    }
    const width = Math.max(20, (this.stream.columns ?? 80) - 1);
    this.stream.write(`${lines.map((line) => clip(line, width)).join('\n')}\n`);
    this.#lines = lines.length;
  }
}

/** Cut to the terminal's width, so that a line is a line; escape codes take no room. */
function clip(line: string, width: number): string {
  let room = width;
  let out = '';
  for (const part of line.split(ESCAPE)) {
    const isCode = part.startsWith('\u001b');
    out += isCode ? part : part.slice(0, Math.max(0, room));
    if (!isCode) room -= part.length;
  }
  return out;
}
