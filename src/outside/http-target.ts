import { connect as connectNet, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { TlsMaterial } from './tls.js';

/** Where a request goes, read from a URL. */
export interface HttpTarget {
  /** For the `Host` header. */
  readonly origin: string;
  readonly path: string;
  readonly at: { readonly host: string; readonly port: number } | { readonly socketPath: string };
  readonly secure: boolean;
}

/** Reads `http:`, `https:` and `unix:/run/app.sock:/healthz`. @returns null when it is none of these */
export function readTarget(url: string): HttpTarget | null {
  const unix = /^unix:(\/[^:]+)(?::(\/.*))?$/.exec(url);
  if (unix?.[1] !== undefined) {
    const rest = parseUrl(`http://localhost${unix[2] ?? '/'}`);
    if (rest === null) return null;
    return {
      origin: rest.origin,
      path: rest.pathname + rest.search,
      at: { socketPath: unix[1] },
      secure: false,
    };
  }
  const parsed = parseUrl(url);
  if (parsed === null || (parsed.protocol !== 'http:' && parsed.protocol !== 'https:')) return null;
  // A name and password in a URL would end up in messages; there are headers for that.
  if (parsed.username !== '' || parsed.password !== '') return null;
  const secure = parsed.protocol === 'https:';
  const port = parsed.port === '' ? (secure ? 443 : 80) : Number(parsed.port);
  const host = parsed.hostname.replace(/^\[(.*)\]$/, '$1');
  return { origin: parsed.origin, path: parsed.pathname + parsed.search, at: { host, port }, secure };
}

function parseUrl(text: string): URL | null {
  return URL.canParse(text) ? new URL(text) : null;
}

/** Starts a new connection. @param connected called once, with the socket when it is ready or with the error */
export function openSocket(
  target: HttpTarget,
  material: TlsMaterial,
  connected: (error: Error | null, socket: Socket) => void,
): Socket {
  const { at } = target;
  const where = 'socketPath' in at ? { path: at.socketPath } : { host: at.host, port: at.port };
  const name = 'host' in at && isIP(at.host) === 0 ? { servername: at.host } : {};
  const socket = target.secure
    ? connectTls({ ...where, ...name, ...material, ALPNProtocols: ['http/1.1'] })
    : connectNet(where);
  const ready = target.secure ? 'secureConnect' : 'connect';
  const fail = (error: Error) => connected(error, socket);
  socket.once('error', fail).once(ready, () => {
    socket.off('error', fail);
    connected(null, socket);
  });
  return socket;
}
