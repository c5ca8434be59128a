import { type Instant, MINUTE, SECOND } from '../keyset/basics/clock.js';
import { JwtrotError } from '../keyset/basics/error.js';
import { shellWord } from '../keyset/basics/outside-text.js';
import type { Key } from '../keyset/manifest/key.js';
import type { Manifest } from '../keyset/manifest/model.js';
import { activeKey } from '../keyset/questions/keys.js';
import type { Canaries, CanaryLooks, SignedCanary } from '../services/proving.js';
import type { KeysetContext } from './context.js';
import { unwrapKey } from './unwrap.js';

/** How long a canary lives, besides what clocks may differ. */
const LIFE = MINUTE;

type Signing = Pick<
  KeysetContext,
  'name' | 'store' | 'wrapper' | 'assertMatches' | 'openSigner' | 'clock' | 'newId' | 'policy' | 'report'
>;
type Claims = Readonly<Record<string, unknown>>;
type Signer = Awaited<ReturnType<KeysetContext['openSigner']>>;

/**
 * Signs the canaries of one run. A private key is unwrapped when a probe needs it, and let go of when no probe is under
 * way: a run that waits holds none.
 */
export class RunCanaries implements Canaries {
  readonly controlled = new Set<string>();
  /** Retired keys that verifiers could not be shown: their private halves are not there. */
  readonly unshown = new Set<string>();
  readonly controlledSince = new Set<string>();
  readonly #signers = new Map<string, Promise<Signer>>();
  /** `service/instance kid`: it was reloaded when the key was published already. */
  readonly #reloaded = new Set<string>();
  readonly #said = new Set<string>();
  #probes = 0;

  /**
   * @param context at each use, since it may be made later than this
   * @param mayStop whether a service that proves nothing ends the run
   */
  constructor(
    private readonly context: () => Signing,
    private readonly manifest: () => Manifest | null,
    readonly mayStop: () => boolean,
  ) {}

  activeKid(): string | null {
    const manifest = this.manifest();
    return manifest === null ? null : (activeKey(manifest)?.kid ?? null);
  }

  mayShow(kid: string, at: string): boolean {
    const key = this.#key(kid);
    if (key === undefined || key.state === 'creating') return false;
    if (key.state !== 'pending') return true;
    return key.publishedAt !== null && (key.confirmedAt !== null || this.#reloaded.has(`${at} ${kid}`));
  }

  /** A reload of this instance begins. @returns to be called when it has succeeded */
  reloading(at: string): () => void {
    const shown = (this.manifest()?.keys ?? []).filter((key) => key.state === 'pending' && key.publishedAt !== null);
    return () => {
      for (const { kid } of shown) this.#reloaded.add(`${at} ${kid}`);
    };
  }

  async sign(kid: string, { claims, typ }: CanaryLooks): Promise<SignedCanary> {
    const key = this.#key(kid);
    if (key === undefined || key.state === 'destroyed' || !key.hasPrivate || key.goneAt !== null)
      return this.#gone(kid, key);
    const opened = this.#signers.get(kid) ?? this.#open(key);
    this.#signers.set(kid, opened);
    try {
      const { sign } = await opened;
      return { token: await sign(this.#claims(claims), typ) };
    } catch (error) {
      if (!(error instanceof JwtrotError)) throw error;
      this.#signers.delete(kid);
      const isPending = key.state === 'pending' || key.state === 'active';
      // A secret that is there and can't be unwrapped may have leaked all the same: verifiers may still accept it.
      if (error.code === 'key-missing' && !isPending) return this.#gone(kid, key);
      return { fault: `no canary can be signed: ${error.message}${nextAfter(error, key)}` };
    }
  }

  async control(looks: CanaryLooks): Promise<{ readonly token: string } | { readonly fault: string }> {
    const active = this.activeKid();
    if (active === null) return { token: this.#random(looks) };
    const signed = await this.sign(active, looks);
    if ('gone' in signed) return { fault: 'no canary can be signed: the private half of the active key is gone' };
    return 'fault' in signed ? signed : { token: withWrongSignature(signed.token) };
  }

  /** Probes that overlap share the keys. */
  async during<T>(probe: () => Promise<T>): Promise<T> {
    this.#probes += 1;
    try {
      return await probe();
    } finally {
      this.#probes -= 1;
      if (this.#probes === 0) this.#forget();
    }
  }

  #forget(): void {
    for (const opened of this.#signers.values())
      opened.then(
        ({ close }) => close(),
        () => undefined,
      );
    this.#signers.clear();
  }

  #key(kid: string): Key | undefined {
    return this.manifest()?.keys.find((key) => key.kid === kid);
  }

  async #open(key: Exclude<Key, { readonly state: 'destroyed' }>): Promise<Signer> {
    const context = this.context();
    const privateKey = await unwrapKey(context, key);
    try {
      return await context.openSigner(privateKey, key);
    } finally {
      privateKey.fill(0);
    }
  }

  /** Says so once, unless nothing more is to be shown of the key. */
  #gone(kid: string, key: Key | undefined): SignedCanary {
    const isOver = key === undefined || key.state === 'destroyed' || key.droppedAt !== null;
    if (!isOver && key.state === 'retired') this.unshown.add(kid);
    if (!isOver && !this.#said.has(kid)) {
      const text = `no canary of ${kid}: its private half is not there; whether verifiers ${key.state === 'retired' ? 'reject' : 'accept'} it is not shown`;
      this.context().report({ type: 'note', keyset: this.context().name, level: 'warning', text });
    }
    this.#said.add(kid);
    return { gone: true };
  }

  /** Two machines' clocks meet: valid by a clock that is `clockSkew` behind or ahead. */
  #claims(claims: Claims): Claims {
    const { clock, policy, newId } = this.context();
    const seconds = (time: Instant) => Math.floor(time / SECOND);
    const from = clock.now() - policy.clockSkew;
    const life = { iat: seconds(from), exp: seconds(from + LIFE + 2 * policy.clockSkew) };
    return { ...claims, sub: 'jwtrot-canary', jti: newId(), ...life };
  }

  /** Where no key is active yet: of a key that nobody has. */
  #random({ claims, typ }: CanaryLooks): string {
    const { newId, policy } = this.context();
    const header = { alg: policy.alg, kid: newId(), ...(typ !== null && { typ }) };
    const parts = [header, this.#claims(claims)].map((part) => JSON.stringify(part));
    const signature = `${newId()}${newId()}`;
    return [...parts, signature].map((part) => Buffer.from(part).toString('base64url')).join('.');
  }
}

/** What to do about a key that can't be unwrapped. No other key can take the place of a retired one. */
function nextAfter({ kind, hint }: JwtrotError, { state, kid }: Key): string {
  if (kind !== 'refused') return '';
  if (state === 'retired') return `; mend that, or give this proof up: jwtrot retire --kid ${shellWord(kid)} --purge`;
  return hint === undefined ? '' : `; ${hint}`;
}

/** Of the same length, with one bit in the middle turned over. */
function withWrongSignature(token: string): string {
  const [header, payload, signature = ''] = token.split('.');
  const bytes = Buffer.from(signature, 'base64url');
  const middle = bytes.length >> 1;
  bytes.writeUInt8(bytes.readUInt8(middle) ^ 1, middle);
  return `${header}.${payload}.${bytes.toString('base64url')}`;
}
