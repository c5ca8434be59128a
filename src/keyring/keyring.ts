import type { Duration } from '../keyset/basics/clock.js';
import { SECOND } from '../keyset/basics/clock.js';
import { misuse } from './failures.js';
import { describe, healthOf } from './health.js';
import { jwksOf } from './jwks.js';
import type { VerifyingKey } from './key-set.js';
import type { KeyringError } from './keyring-error.js';
import { type KeysInMemory, momentOf, NOTHING_YET, type SigningKey, since } from './keys-in-memory.js';
import { type Limits, shorter } from './limits.js';
import { Loads } from './loads.js';
import { nextRead } from './next-read.js';
import type { Claims, Health, Keyring, SignOptions, Verified, VerifyOptions } from './public.js';
import type { Settings } from './settings.js';
import { signToken } from './sign.js';
import type { KeySource } from './source.js';
import type { Surroundings } from './surroundings.js';
import { assertNews, taken } from './take.js';
import { Trust } from './trust.js';
import { type Verifying, verifyToken } from './verify.js';

export interface Parts {
  readonly settings: Settings;
  readonly source: KeySource;
  readonly limits: Limits;
  readonly surroundings: Surroundings;
}

/** A keyring at work. `openKeyring` makes it and loads it for the first time. */
export class LiveKeyring implements Keyring {
  #keys: KeysInMemory = NOTHING_YET;
  #error: string | null = null;
  #isClosed = false;
  #cancelRefresh = () => {};
  readonly #parts: Parts;
  readonly #loads: Loads;
  readonly #trust: Trust;
  readonly #stop = new AbortController();
  readonly #endings: (() => void)[] = [];
  readonly #verifying: Verifying;

  constructor(parts: Parts) {
    this.#parts = parts;
    const { settings, surroundings, limits } = parts;
    this.#loads = new Loads({ cooldown: settings.cooldown, load: () => this.#load() }, surroundings);
    this.#trust = new Trust(limits, surroundings);
    this.#verifying = {
      find: (kid) => this.#keys.verifying.get(kid) ?? this.#findAnew(kid),
      now: surroundings.now,
      clockTolerance: limits.clockTolerance / SECOND,
    };
  }

  /** `end` is called when the keyring closes. */
  whenClosed(end: () => void): void {
    if (this.#isClosed) end();
    else this.#endings.push(end);
  }

  async sign(claims: Claims, options: SignOptions): Promise<string> {
    const key = this.#signingKey() ?? (await this.#signingKeyAnew());
    const { limits, surroundings } = this.#parts;
    const maxTokenTtl = shorter(limits.maxTokenTtl, this.#keys.maxTokenTtl);
    if (maxTokenTtl === null)
      throw misuse('ttl-unknown', 'sign: this source does not tell maxTokenTtl: give it to openKeyring');
    return signToken(claims, options, { key, maxTokenTtl, now: surroundings.now });
  }

  async verify(token: string, options: VerifyOptions): Promise<Verified> {
    this.#assertMay('verify');
    const isTrusted = () => this.#trust.mayVerify(this.#keys);
    if (!isTrusted()) await this.#loads.miss('trust', isTrusted);
    this.#assertTrusted();
    return verifyToken(token, options, this.#verifying);
  }

  health(): Health {
    // A clock that was set, or a machine that slept: no timer knows of it.
    if (this.#staleness() !== null) void this.#loads.miss('trust', () => this.#staleness() === null);
    return this.#health();
  }

  #health(): Health {
    const { role } = this.#parts.settings;
    const keys = this.#keys;
    const mayVerify = role !== 'signer' && this.#trust.mayVerify(keys);
    const maySign = role !== 'verifier' && this.#trust.maySign(keys);
    // Before the first rotation a service that does both has keys to check with, and none to sign with yet.
    const isWell = !this.#isClosed && (role === 'signer' ? this.#trust.isReadyToSign(keys) : mayVerify);
    const stale = this.#staleness();
    const error = this.#isClosed ? 'closed: the keyring was closed' : stale === null ? this.#error : describe(stale);
    return healthOf(keys, { mayVerify, maySign, isWell, error });
  }

  jwks(): ReturnType<Keyring['jwks']> {
    const isTrusted = () => this.#trust.mayVerify(this.#keys);
    if (!this.#isClosed && !isTrusted()) void this.#loads.miss('trust', isTrusted);
    this.#assertTrusted();
    const { verifying, publicAsOf } = this.#keys;
    return jwksOf(verifying, publicAsOf === null ? 0 : since(publicAsOf, this.#parts.surroundings));
  }

  async reload(): Promise<Health> {
    if (!this.#isClosed) await this.#loads.reload();
    return this.#health();
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#cancelRefresh();
    this.#stop.abort();
    for (const end of this.#endings.splice(0)) end();
    this.#parts.source.close();
    this.#keys = { ...NOTHING_YET, revision: this.#keys.revision, loadedAt: this.#keys.loadedAt };
  }

  /** Never rejects. */
  async #load(): Promise<void> {
    const { source, surroundings } = this.#parts;
    this.#cancelRefresh();
    const began = momentOf(surroundings);
    let maxAge: Duration | null = null;
    let error: unknown = null;
    try {
      const reading = await source.read(this.#keys, this.#stop.signal);
      if (this.#isClosed) return;
      assertNews(this.#keys, reading.age, this.#parts.limits.oldestAnswer, surroundings);
      this.#keys = taken(this.#keys, reading, began, surroundings.now());
      maxAge = reading.maxAge;
      error = reading.problem;
    } catch (failure) {
      error = failure;
    }
    this.#error = error === null ? null : describe(error);
    if (!this.#isClosed) this.#refreshLater(error === null, maxAge);
  }

  #refreshLater(isWell: boolean, maxAge: Duration | null): void {
    const after = nextRead({ isWell, maxAge, keys: this.#keys }, this.#parts);
    this.#cancelRefresh = this.#parts.surroundings.later(after, () => void this.#loads.reload());
  }

  async #findAnew(kid: string): Promise<VerifyingKey | null> {
    await this.#loads.miss('kid', () => this.#keys.verifying.has(kid));
    this.#assertTrusted();
    return this.#keys.verifying.get(kid) ?? null;
  }

  #staleness(): KeyringError | null {
    return this.#isClosed ? null : this.#trust.staleness(this.#keys, this.#parts.settings.role, this.#error);
  }

  #signingKey(): SigningKey | null {
    this.#assertMay('sign');
    return this.#trust.maySign(this.#keys) ? this.#keys.signing : null;
  }

  async #signingKeyAnew(): Promise<SigningKey> {
    await this.#loads.miss('trust', () => this.#trust.maySign(this.#keys));
    const key = this.#signingKey();
    if (key !== null) return key;
    throw this.#trust.unsigned(this.#keys, this.#error);
  }

  #assertMay(what: 'sign' | 'verify'): void {
    if (this.#isClosed) throw closed();
    const { role } = this.#parts.settings;
    if (role === (what === 'sign' ? 'verifier' : 'signer'))
      throw misuse('wrong-role', `${what}: this keyring has the role ${role}`);
  }

  #assertTrusted(): void {
    if (this.#isClosed) throw closed();
    const failure = this.#trust.unverifiable(this.#keys, this.#error);
    if (failure !== null) throw failure;
  }
}

function closed() {
  return misuse('closed', 'the keyring was closed');
}
