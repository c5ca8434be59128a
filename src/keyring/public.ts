/*
 * The types that services see. The build puts the declarations of this file and of keyring-error.ts into the package as
 * they are, so they import nothing. A duration is text in the notation of the configuration: `500ms`, `30s`, `15m`, `1h30m`, `7d`.
 */

/** `signer` signs tokens, `verifier` checks them, `both` does both. */
export type Role = 'signer' | 'verifier' | 'both';

/** Where the keys come from. */
export type Source = FileSource | UrlSource | StoreSource;

/** Files that jwtrot writes on this host: `publish` and `deliver` of the configuration. */
export interface FileSource {
  readonly files: {
    /** The JWKS: path of `publish: { file }`. */
    readonly jwks: string;
    /** The signing key: path of `deliver: { file }`, a JWK or a PEM. For signers, who need it, and for nobody else. */
    readonly key?: string;
  };
}

/** A JWKS on a server. For verifiers. */
export interface UrlSource {
  /** `https:`; `http:` on loopback alone. Redirects are not followed. */
  readonly jwks: string;
}

/** The store itself, of any kind. */
export interface StoreSource {
  /** Path of jwtrot's configuration, which names the store and the wrapping. It is read once. */
  readonly config: string;
}

/** When files are read again, besides `refresh`. */
export type ReloadOn = 'change' | 'SIGHUP';

/** The options of `openKeyring`. */
export interface KeyringOptions {
  /** The keyset's name, as in jwtrot's configuration. */
  readonly keyset: string;
  readonly role: Role;
  readonly from: Source;
  /**
   * `change` (the default with files): a look at the files each second; with files alone. `SIGHUP`: on that signal, which
   * then no longer ends the process. Or both, as a list.
   */
  readonly reloadOn?: ReloadOn | readonly ReloadOn[];
  /** How often the source is read anyway, with jitter (up to a tenth less). Default `5m`, or half of `staleAfter` if that is shorter. */
  readonly refresh?: string;
  /** Tokens with an unknown kid cause at most one read in this time. Default `30s`. */
  readonly cooldown?: string;
  /**
   * The longest life of a token that `sign` makes. Signers must give it unless the source tells: the store, or a key that
   * was delivered as a JWK. If both do, the shorter one holds.
   */
  readonly maxTokenTtl?: string;
  /**
   * How long after its last successful read `verify` trusts a set, and `jwks` shows it. Default: the keyset's `jwksMaxAge`, or `1h` where that
   * is unknown. A longer one than `jwksMaxAge` is refused where that is known.
   */
  readonly staleAfter?: string;
  /**
   * How long after its last successful read `sign` uses a key. Default: the keyset's `signerMaxAge`, or `24h` where that
   * is unknown. `off`: for ever, which is sound only for a signer that jwtrot polls.
   */
  readonly signStaleAfter?: string;
  /** The algorithms that are accepted: needed if the JWKS has keys without `alg`. Default: that of each key alone. */
  readonly algorithms?: readonly string[];
  /** How far clocks may differ: the leeway for `exp` and `nbf`. Default: the keyset's `clockSkew`, or `60s`. */
  readonly clockTolerance?: string;
  /** How long one read of a URL may take. Default `5s`. */
  readonly timeout?: string;
}

/** The claims of a token. Each value must be JSON. */
export type Claims = { readonly [claim: string]: unknown };

/** The options of `sign`. */
export interface SignOptions {
  /** How long the token lives; at most `maxTokenTtl`. `iat` and `exp` are set from it, and refused among the claims. */
  readonly expiresIn: string;
  /** `iss`. */
  readonly issuer?: string;
  /** `aud`. */
  readonly audience?: string | readonly string[];
  /** The header's `typ`, such as `at+jwt`. Default `JWT`. */
  readonly type?: string;
}

/** What `verify` asks of a token. Each must be given; `null` waives it. */
export interface VerifyOptions {
  /** `iss` must be this, or one of these. */
  readonly issuer: string | readonly string[] | null;
  /** `aud` must have this, or one of these. */
  readonly audience: string | readonly string[] | null;
  /** The header's `typ` must be this. */
  readonly type: string | null;
}

/** A token that was accepted. */
export interface Verified {
  readonly payload: { readonly [claim: string]: unknown };
  readonly protectedHeader: { readonly alg: string; readonly kid: string; readonly [parameter: string]: unknown };
}

/** What jwtrot polls, as JSON. `status` is not a part of that JSON. */
export interface Health {
  /** The key that signs; null: none does. */
  readonly kid: string | null;
  /** The keys whose tokens `verify` accepts. */
  readonly kids: readonly string[];
  /** The keys whose private half is in this process's memory. */
  readonly preloaded: readonly string[];
  /** The manifest's revision; null: the source does not tell. */
  readonly revision: number | null;
  /** When the source was last read with success (RFC 3339, UTC); null: never. */
  readonly loadedAt: string | null;
  /** Why the newest read failed, or a part of it, as `code: message`; null: it did not. */
  readonly error: string | null;
  /** The status to answer with: 200, or 503 when the keyring holds nothing that it may trust. Not enumerable. */
  readonly status: 200 | 503;
}

/** A public key as `jwks()` shows it. */
export interface PublishedKey {
  readonly kty: string;
  readonly kid: string;
  readonly alg?: string;
  readonly use: 'sig';
  readonly [member: string]: string | undefined;
}

/** The keys of one keyset, in this process. */
export interface Keyring {
  /**
   * Makes a token with the active key.
   * @throws KeyringError `no-signing-key`, `stale` (503); `wrong-role`, `bad-options`, `reserved-claim`, `ttl-too-long`,
   * `ttl-unknown`, `closed` (500)
   */
  sign(claims: Claims, options: SignOptions): Promise<string>;
  /**
   * Checks a token: signature, algorithm, times, issuer, audience, type.
   * @throws KeyringError with a `status` of 401 if the token is refused; `no-keys`, `stale` (503); `wrong-role`,
   * `bad-options`, `closed` (500)
   */
  verify(token: string, options: VerifyOptions): Promise<Verified>;
  /** What jwtrot polls. Never throws. */
  health(): Health;
  /**
   * The public JWK Set: what a service answers that is its own JWKS endpoint. `age`: whole seconds since the source's set
   * was read, and made if the source tells. It is not enumerable: send it as the header `Age`.
   * @throws KeyringError `no-keys`, `stale`
   */
  jwks(): { readonly keys: readonly PublishedKey[]; readonly age: number };
  /**
   * Reads the source again. If a read is under way, another one follows it. Never rejects: a read that fails leaves
   * everything as it was, and `health().error` says why.
   */
  reload(): Promise<Health>;
  /** Ends timers, connections and the signal's handler. Nothing keeps the process alive then. */
  close(): Promise<void>;
}
