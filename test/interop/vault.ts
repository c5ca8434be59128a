import { createServer } from 'node:http';
import { bodyOf, type StandIn, standIn } from './stand-in.js';

interface Version {
  readonly data: unknown;
  destroyed: boolean;
}

export const TOKEN = 'hvs.not-a-secret';

/** A small, strict stand-in of Vault's HTTP interface: KV version 2, one secret, a token with the policy of docs/delivery.md. */
export class Vault {
  versions: Version[] = [];
  metadata: { max_versions: number; custom_metadata: Record<string, string> | null } | null = null;

  /** Deletes the secret with all its versions. */
  lose(): void {
    this.versions = [];
    this.metadata = null;
  }

  newest(): Version | null {
    return this.versions.at(-1) ?? null;
  }

  async open(): Promise<StandIn> {
    return standIn(
      createServer(async (request, response) => {
        const body = await bodyOf(request);
        const [status, answer] =
          request.headers['x-vault-token'] === TOKEN
            ? this.#answer(request.method ?? '', request.url ?? '', body)
            : [403, { errors: ['permission denied'] }];
        response.writeHead(status, { 'content-type': 'application/json' });
        response.end(answer === null ? '' : JSON.stringify(answer));
      }),
    );
  }

  #answer(method: string, path: string, body: string): [number, object | null] {
    switch (`${method} ${path}`) {
      case 'POST /v1/secret/data/issuer':
        return this.#write(JSON.parse(body));
      case 'POST /v1/secret/metadata/issuer':
        return this.#describe(JSON.parse(body));
      case 'GET /v1/secret/metadata/issuer':
        return this.versions.length === 0 ? [404, { errors: [] }] : [200, { data: this.#shown() }];
      default:
        return [403, { errors: ['permission denied'] }];
    }
  }

  #write({ data, ...rest }: Record<string, unknown>): [number, object] {
    if (typeof data !== 'object' || data === null || Object.keys(rest).length > 0)
      return [400, { errors: ['no data provided'] }];
    this.versions.push({ data, destroyed: false });
    const kept = this.metadata?.max_versions ?? 10;
    for (const old of this.versions.slice(0, -kept)) old.destroyed = true;
    return [
      200,
      { data: { version: this.versions.length, custom_metadata: null, deletion_time: '', destroyed: false } },
    ];
  }

  #describe({
    max_versions: most,
    custom_metadata: custom,
    ...rest
  }: Record<string, unknown>): [number, object | null] {
    const isText = Object.values(custom ?? {}).every((value) => typeof value === 'string');
    if (typeof most !== 'number' || !isText || Object.keys(rest).length > 0)
      return [400, { errors: ['not understood'] }];
    this.metadata = { max_versions: most, custom_metadata: custom as Record<string, string> };
    return [204, null];
  }

  #shown(): object {
    const shown = this.versions.map(({ destroyed }, i) => ({ version: i + 1, deletion_time: '', destroyed }));
    const [custom, most] = [this.metadata?.custom_metadata ?? null, this.metadata?.max_versions ?? 0];
    const kept = shown.filter(({ destroyed }) => !destroyed);
    const versions = Object.fromEntries(kept.map(({ version, ...rest }) => [version, rest]));
    return { current_version: this.versions.length, max_versions: most, custom_metadata: custom, versions };
  }
}
