/** Where a request goes. */
export interface HttpTarget {
  /** The `Host` header. */
  readonly host: string;
  readonly path: string;
  readonly at: { readonly host: string; readonly port: number } | { readonly socketPath: string };
  readonly secure: boolean;
}

/** Parses `http:`, `https:` and `unix:/run/app.sock:/healthz`. @returns null for any other URL */
export function readTarget(url: string): HttpTarget | null {
  const unix = /^unix:(\/[^:]+)(?::(\/.*))?$/.exec(url);
  if (unix?.[1] !== undefined) {
    const rest = parseUrl(`http://localhost${unix[2] ?? '/'}`);
    if (rest === null) return null;
    return {
      host: rest.host,
      path: rest.pathname + rest.search,
      at: { socketPath: unix[1] },
      secure: false,
    };
  }
  const parsed = parseUrl(url);
  if (parsed === null || (parsed.protocol !== 'http:' && parsed.protocol !== 'https:')) return null;
  // Messages quote URLs, so a URL must not hold credentials; headers may.
  if (parsed.username !== '' || parsed.password !== '') return null;
  const secure = parsed.protocol === 'https:';
  const port = parsed.port === '' ? (secure ? 443 : 80) : Number(parsed.port);
  const host = parsed.hostname.replace(/^\[(.*)\]$/, '$1');
  return { host: parsed.host, path: parsed.pathname + parsed.search, at: { host, port }, secure };
}

function parseUrl(text: string): URL | null {
  return URL.canParse(text) ? new URL(text) : null;
}
