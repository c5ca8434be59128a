import { Agent, request } from 'node:http';
import { type Clock, type Duration, SECOND } from '../keyset/basics/clock.js';
import { decodeJson } from '../keyset/basics/foreign-json.js';
import { valueAt } from '../services/pointer.js';
import type { Service } from './services.js';
import { TOKEN_LIFE } from './site.js';
import { SLICE, type Slice, type Sums } from './timeline.js';

/** Pause between two tokens. */
const MINTING: Duration = 20;
/** Pause between two checks of tokens that are not new. */
const CHECKING: Duration = 10;
/** A token is not presented any more when so little of its life is left: it could expire on the way. */
const MARGIN: Duration = SECOND;

interface Token {
  readonly text: string;
  readonly kid: string;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

/** Users of the services: they fetch tokens from the issuers and present them to the verifiers, when new and when old. */
export class Traffic {
  readonly slices: Slice[] = [];
  readonly kids: string[] = [];
  /** Why tokens were rejected, or not made; each reason once. */
  readonly reasons = new Set<string>();
  #began: Duration = 0;
  #tokens = 0;
  #living: Token[] = [];
  #leaked: string | null = null;
  #now = { signs: new Set<string>(), checks: 0, rejected: 0 };
  #timers: NodeJS.Timeout[] = [];
  readonly #underWay = new Set<Promise<void>>();
  readonly #agent = new Agent({ keepAlive: true });

  constructor(
    private readonly issuers: readonly Service[],
    private readonly verifiers: readonly Service[],
    private readonly clock: Clock,
  ) {}

  start(): void {
    this.#began = this.clock.monotonic();
    this.#timers = [
      setInterval(() => this.#track(this.#mint()), MINTING),
      setInterval(() => this.#track(this.#checkOld()), CHECKING),
      setInterval(() => this.#endSlice(), SLICE),
    ];
  }

  /** From now on nobody presents tokens of this key: whoever holds one knows that it is void. */
  leaked(kid: string): void {
    this.#leaked = kid;
    this.#living = this.#living.filter((token) => token.kid !== kid);
  }

  /** Waits for what is under way. Doing it twice changes nothing. @returns the sums of all slices */
  async stop(): Promise<Sums> {
    for (const timer of this.#timers.splice(0)) clearInterval(timer);
    await Promise.all(this.#underWay);
    if (this.#now.checks > 0) this.#endSlice();
    this.#agent.destroy();
    return this.sums();
  }

  sums(): Sums {
    const sum = (of: (slice: Slice) => number) => this.slices.reduce((total, slice) => total + of(slice), 0);
    return { tokens: this.#tokens, checks: sum(({ checks }) => checks), rejected: sum(({ rejected }) => rejected) };
  }

  /** @returns null if the token was accepted, else what the verifier answered, such as `401: {"error":"unknown-kid"}` */
  async check(text: string, verifier: Service): Promise<string | null> {
    const { status, body } = await this.#ask(verifier, 'POST', '/check', text);
    return status === 200 ? null : `${status}: ${body}`;
  }

  #track(work: Promise<void>): void {
    const tracked = work.finally(() => this.#underWay.delete(tracked));
    this.#underWay.add(tracked);
  }

  /** Asks one issuer, and another one if that does not work: as a load balancer does. */
  async #mint(): Promise<void> {
    const first = this.#tokens % this.issuers.length;
    for (const issuer of [...this.issuers.slice(first), ...this.issuers.slice(0, first)]) {
      const { status, body } = await this.#ask(issuer, 'GET', '/token');
      const decoded = decodeJson(body);
      const text = decoded.ok ? valueAt(decoded.value, '/token') : null;
      if (status !== 200 || typeof text !== 'string') continue;
      return this.#present(text);
    }
    this.reasons.add('no issuer made a token when it was asked');
  }

  async #present(text: string): Promise<void> {
    const token = read(text);
    this.#tokens += 1;
    this.#now.signs.add(token.kid);
    this.see(token.kid);
    if (token.kid !== this.#leaked) this.#living.push(token);
    await Promise.all(this.verifiers.map((verifier) => this.#count(token, verifier)));
  }

  async #checkOld(): Promise<void> {
    const now = Date.now();
    this.#living = this.#living.filter(({ expiresAt }) => expiresAt - now > MARGIN);
    const token = this.#living[Math.floor(Math.random() * this.#living.length)];
    const verifier = this.verifiers[Math.floor(Math.random() * this.verifiers.length)];
    if (token !== undefined && verifier !== undefined) await this.#count(token, verifier);
  }

  async #count(token: Token, verifier: Service): Promise<void> {
    const refusal = await this.check(token.text, verifier);
    // It leaked meanwhile.
    if (token.kid === this.#leaked) return;
    this.#now.checks += 1;
    if (refusal === null) return;
    this.#now.rejected += 1;
    this.reasons.add(`${verifier.name} answered ${refusal}`);
  }

  /** Gives a kid its place in the order of the keys. */
  see(kid: string): void {
    if (!this.kids.includes(kid)) this.kids.push(kid);
  }

  #endSlice(): void {
    const lists = this.verifiers.map(({ keyring }) => keyring.health().kids);
    const accepted = (lists[0] ?? []).filter((kid) => lists.every((list) => list.includes(kid)));
    for (const kid of accepted) this.see(kid);
    const { signs, checks, rejected } = this.#now;
    // A timer of a busy machine is late: what was seen then stands for the time that has passed.
    const last = Math.max(this.slices.length + 1, Math.round((this.clock.monotonic() - this.#began) / SLICE));
    while (this.slices.length < last - 1) this.slices.push({ signs: [...signs], accepted, checks: 0, rejected: 0 });
    this.slices.push({ signs: [...signs], accepted, checks, rejected });
    this.#now = { signs: new Set(), checks: 0, rejected: 0 };
  }

  #ask(service: Service, method: string, path: string, body = ''): Promise<{ status: number; body: string }> {
    return new Promise((resolve) => {
      const failed = (error: Error) => resolve({ status: 0, body: error.message });
      const sent = request(`http://${service.address}${path}`, { method, agent: this.#agent }, (response) => {
        let text = '';
        response.on('data', (chunk) => {
          text += String(chunk);
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body: text }));
        response.on('error', failed);
      });
      sent.on('error', failed).end(body);
    });
  }
}

/** The issuer has just made it: nobody else's text. */
function read(text: string): Token {
  const part = (i: number) => {
    const decoded = decodeJson(Buffer.from(text.split('.')[i] ?? '', 'base64url').toString());
    return decoded.ok ? decoded.value : null;
  };
  const kid = valueAt(part(0), '/kid');
  const exp = valueAt(part(1), '/exp');
  return { text, kid: String(kid), expiresAt: typeof exp === 'number' ? exp * SECOND : Date.now() + TOKEN_LIFE };
}
