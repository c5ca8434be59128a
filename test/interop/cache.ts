import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PATH } from './web.js';

interface Kept {
  readonly status: number;
  readonly text: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** A cache between the server and a party. It passes everything on, until it is told otherwise. */
export class Cache {
  readonly #server: Server;
  readonly #origin: string;
  #fails = false;
  #held: Kept | null = null;

  private constructor(origin: string) {
    this.#origin = origin;
    this.#server = createServer(async (_, response) => {
      const kept = this.#fails ? null : (this.#held ?? (await this.#fetched().catch(() => null)));
      if (kept === null) return response.writeHead(503).end();
      const age = String(Math.floor((Date.now() - kept.at) / 1000));
      response.writeHead(kept.status, { 'content-type': 'application/jwk-set+json', age }).end(kept.text);
    });
  }

  static async open(origin: string): Promise<Cache> {
    const cache = new Cache(origin);
    await new Promise<void>((resolve) => cache.#server.listen(0, '127.0.0.1', resolve));
    return cache;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}${PATH}`;
  }

  /** From now on it serves what the server has now, with its `Age`. */
  async hold(): Promise<void> {
    this.#held = await this.#fetched();
  }

  fail(): void {
    this.#fails = true;
  }

  pass(): void {
    this.#fails = false;
    this.#held = null;
  }

  async #fetched(): Promise<Kept> {
    const at = Date.now();
    const response = await fetch(this.#origin, { headers: { connection: 'close' } });
    return { status: response.status, text: await response.text(), at };
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
