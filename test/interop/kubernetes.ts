import { createServer, type IncomingHttpHeaders } from 'node:http';
import { bodyOf, type StandIn, standIn } from './stand-in.js';

export const TOKEN = 'not-a-secret';
const SECRET = '/api/v1/namespaces/default/secrets/issuer-key';

interface Secret {
  readonly metadata: { readonly name: string; readonly annotations: Record<string, string> };
  readonly data: Record<string, string>;
}

/** A small, strict stand-in of the Kubernetes API: one Secret, server-side apply, and its metadata alone. */
export class Kubernetes {
  secret: Secret | null = null;

  async open(): Promise<StandIn> {
    return standIn(
      createServer(async (request, response) => {
        const body = await bodyOf(request);
        const { method = '', url = '', headers } = request;
        const isKnown = headers.authorization === `Bearer ${TOKEN}`;
        const [status, answer] = isKnown ? this.#answer(`${method} ${url}`, headers, body) : failure(401);
        response.writeHead(status, { 'content-type': 'application/json' });
        response.end(JSON.stringify(answer));
      }),
    );
  }

  #answer(asked: string, { accept, ...headers }: IncomingHttpHeaders, body: string): [number, object] {
    if (asked === `GET ${SECRET}`) {
      if (accept !== 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1') return failure(406);
      if (this.secret === null) return failure(404);
      const { metadata } = this.secret;
      return [200, { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata }];
    }
    if (asked !== `PATCH ${SECRET}?fieldManager=jwtrot&force=true`) return failure(403);
    if (headers['content-type'] !== 'application/apply-patch+yaml') return failure(415);
    return this.#apply(JSON.parse(body));
  }

  #apply({ apiVersion, kind, metadata, data, ...rest }: Secret & Record<string, unknown>): [number, object] {
    const isSecret = apiVersion === 'v1' && kind === 'Secret' && metadata.name === 'issuer-key';
    const isBase64 = Object.values(data).every((value) => Buffer.from(value, 'base64').toString('base64') === value);
    if (!isSecret || !isBase64 || Object.keys(rest).length > 0) return failure(422);
    const isNew = this.secret === null;
    this.secret = { metadata, data };
    return [isNew ? 201 : 200, { apiVersion, kind, metadata, data }];
  }
}

function failure(code: number): [number, object] {
  return [code, { kind: 'Status', apiVersion: 'v1', status: 'Failure', code }];
}
