import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { fileURLToPath } from 'node:url';
import type { Paths } from './site.js';

/** Answers in the place of one of the routes. */
export type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** What the header file of the edge holds. */
export const SECRET = 'Bearer let-me-in';

const tlsFile = (name: string) => fileURLToPath(new URL(`../fixtures/tls/${name}`, import.meta.url));

/**
 * The services of a site. The issuer signs with what is delivered, read again when it is told to by HTTP; the gateway holds
 * the JWKS that it read at its last SIGHUP, which a process of its own gets; the edge, behind TLS and a secret header, reads
 * the JWKS each time. `/jwks` is what verifiers elsewhere fetch.
 */
export class Services {
  readonly #plain: Server = createServer((request, response) => this.#answer(request, response));
  readonly #tls = createTlsServer(
    { cert: readFileSync(tlsFile('server.pem')), key: readFileSync(tlsFile('server.key')) },
    (request, response) => this.#answer(request, response),
  );
  readonly #signalled: ChildProcess;
  #issuer: string | null = null;
  #gateway: string[] = [];
  /** In place of what a route answers. */
  hostile: { readonly route: string; readonly handler: Handler } | null = null;

  private constructor(private readonly paths: Paths) {
    const program = 'process.on("SIGHUP",()=>console.log("hup"));console.log("ready");setInterval(()=>{},1e6)';
    this.#signalled = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  }

  static async start(paths: Paths): Promise<Services> {
    const services = new Services(paths);
    const listen = (server: Pick<Server, 'listen'>) =>
      new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const ready = new Promise<void>((resolve) => services.#signalled.stdout?.once('data', () => resolve()));
    await Promise.all([listen(services.#plain), listen(services.#tls), ready]);
    services.#signalled.stdout?.on('data', () => {
      services.#gateway = kidsIn(paths.jwks);
    });
    return services;
  }

  get url(): string {
    return `http://127.0.0.1:${portOf(this.#plain)}`;
  }

  get address(): string {
    return `localhost:${portOf(this.#tls)}`;
  }

  /** Of the gateway: whoever it is told by its pid file. */
  get pid(): number {
    return this.#signalled.pid ?? 0;
  }

  /** As after a start. */
  restart(): void {
    this.hostile = null;
    this.#issuer = kidsIn(this.paths.key)[0] ?? null;
    this.#gateway = kidsIn(this.paths.jwks);
  }

  async close(): Promise<void> {
    this.#signalled.kill('SIGKILL');
    const servers = [this.#plain, this.#tls];
    for (const server of servers) server.closeAllConnections();
    await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const route = request.url ?? '';
    if (this.hostile?.route === route) {
      this.hostile.handler(request, response);
      return;
    }
    if (route === '/issuer/reload') this.#issuer = kidsIn(this.paths.key)[0] ?? null;
    if (route === '/edge/healthz' && request.headers.authorization !== SECRET) {
      response.writeHead(401).end();
      return;
    }
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(this.#body(route)));
  }

  #body(route: string): unknown {
    switch (route) {
      case '/issuer/healthz':
        return { kid: this.#issuer };
      case '/gateway/healthz':
        return { kids: this.#gateway };
      case '/edge/healthz':
        return { kids: kidsIn(this.paths.jwks) };
      default:
        return { keys: keysIn(this.paths.jwks) };
    }
  }
}

function portOf(server: { address(): unknown }): number {
  return (server.address() as { port: number }).port;
}

/** What lies there may be anything, and must not hold up the test itself. */
function keysIn(path: string): { kid: string }[] {
  try {
    const facts = statSync(path);
    if (!facts.isFile() || facts.size > 1_000_000) return [];
    const found = JSON.parse(readFileSync(path, 'utf8'));
    return Array.isArray(found.keys) ? found.keys : [found];
  } catch {
    return [];
  }
}

function kidsIn(path: string): string[] {
  return keysIn(path).map(({ kid }) => kid);
}
