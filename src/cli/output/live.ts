import type { Clock, Instant } from '../../keyset/basics/clock.js';
import { approximateDuration } from '../../keyset/basics/duration.js';
import type { Progress } from '../../rollout/context.js';
import type { TextStream } from '../streams.js';
import { type Palette, printable } from './paint.js';
import { instanceName, progressLine, waveText } from './progress.js';
import { Screen } from './screen.js';
import { actionText } from './words.js';
import { clip, widthOf, wrap } from './wrap.js';

const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
/** Slow enough that waiting costs next to nothing. */
const TICK = 120;
const MOST_AWAITED = 8;

interface Awaited {
  readonly since: Instant;
  state: 'waiting' | 'reloading' | 'awaited' | 'confirmed' | 'unconfirmed';
  reason: string | null;
}

/**
 * The step under way with a spinner, and below it the awaited instances and since when. Finished steps stay as lines.
 */
export class LiveView {
  #title = '';
  /** The width of each line that was drawn last. */
  #drawn: number[] = [];
  #frame = 0;
  #timer: NodeJS.Timeout | null = null;
  readonly #instances = new Map<string, Awaited>();
  /** The wave of each service; null: of all services together. */
  readonly #waves = new Map<string | null, string>();

  readonly #screen: Screen;

  constructor(
    stream: TextStream,
    private readonly color: Palette,
    private readonly clock: Clock,
  ) {
    this.#screen = new Screen(stream);
  }

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
      // Count the time from when its turn comes.
      const began = known === undefined || known.state === 'waiting';
      this.#instances.set(name, {
        since: began ? this.clock.now() : known.since,
        state: event.state,
        reason: event.reason,
      });
      this.draw();
    } else if (event.type === 'asked') {
      return;
    } else if (event.type === 'wave') {
      this.#waves.set(event.service, waveText(event));
      this.draw();
    } else {
      const line = progressLine(event);
      this.clear();
      if (line === null) return;
      const text = line.level === 'warning' ? this.color.yellow(line.text) : this.color.dim(line.text);
      this.#screen.block(wrap(`  ${text}`, this.#screen.columns));
    }
  }

  /** Removes the moving lines, so that others can be printed. */
  clear(): void {
    // The terminal may be narrower than when they were drawn, so a line may take several rows.
    const columns = Math.max(1, this.#screen.columns);
    const rows = this.#drawn.reduce((sum, width) => sum + Math.max(1, Math.ceil(width / columns)), 0);
    if (rows > 0) this.#screen.takeBack(rows);
    this.#drawn = [];
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

  /** Turns the step into a line that stays. */
  private settle(detail: string | null = null): void {
    this.clear();
    if (this.#title !== '') {
      const states = [...this.#instances.values()].map((one) => one.state);
      const mark = states.some((state) => state !== 'confirmed') ? this.color.yellow('!') : this.color.green('✓');
      const line = `${mark} ${this.#title}${detail === null ? '' : this.color.dim(`: ${detail}`)}`;
      this.#screen.block(wrap(line, this.#screen.columns, 4));
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
    const width = Math.max(20, this.#screen.columns - 1);
    const clipped = lines.map((line) => clip(printable(line), width));
    this.#screen.lines(clipped);
    this.#drawn = clipped.map(widthOf);
  }
}
