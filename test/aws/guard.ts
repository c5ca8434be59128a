import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import type { Account } from './page.js';
import { allows, type Policy } from './policy.js';

/** IAM in front of an AWS that has none: passes on what a policy allows, denies the rest in AWS's words. */
export interface Guard {
  readonly endpoint: string;
  /** `secretsmanager:CreateSecret`, … that were allowed. */
  readonly used: Set<string>;
  /** `action on resource` that were not. */
  readonly denied: string[];
}

const SERVICES: Readonly<Record<string, string>> = { secretsmanager: 'secretsmanager', TrentService: 'kms' };

interface Input {
  readonly Name?: string;
  readonly SecretId?: string;
  readonly EncryptionContext?: Record<string, string>;
}

export async function startGuard(upstream: string, policy: Policy, account: Account): Promise<Guard> {
  const guard = { endpoint: '', used: new Set<string>(), denied: [] as string[] };
  const server = createServer((request, response) => {
    answer(request, response).catch(() => request.socket.destroy());
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await textOf(request);
    const [service = '', operation = ''] = String(request.headers['x-amz-target']).split('.');
    const action = `${SERVICES[service] ?? service}:${operation}`;
    const input = JSON.parse(body) as Input;
    const context = input.EncryptionContext ?? {};
    for (const resource of await resources(request, input)) {
      if (allows(policy, { action, resource, context })) continue;
      guard.denied.push(`${action} on ${resource}`);
      const message = `User: arn:aws:iam::${account.account}:user/test is not authorized to perform: ${action} on resource: ${resource}`;
      response.writeHead(400, { 'Content-Type': 'application/x-amz-json-1.1' });
      response.end(JSON.stringify({ __type: 'AccessDeniedException', message }));
      return;
    }
    guard.used.add(action);
    const reply = await send(request, String(request.headers['x-amz-target']), body);
    response.writeHead(reply.status, { 'Content-Type': 'application/x-amz-json-1.1' });
    response.end(await reply.text());
  }

  /** The ARNs that the call is about; of a secret that does not exist, both that AWS might ask IAM for. */
  async function resources(request: IncomingMessage, { Name, SecretId }: Input): Promise<string[]> {
    const name = Name ?? SecretId;
    if (name === undefined) return [account.keyArn];
    const there = await send(request, 'secretsmanager.DescribeSecret', JSON.stringify({ SecretId: name }));
    const { ARN } = (await there.json()) as { ARN?: string };
    const made = `arn:aws:secretsmanager:${account.region}:${account.account}:secret:${name}`;
    return ARN === undefined ? [made, `${made}-a1B2c3`] : [ARN];
  }

  const send = (request: IncomingMessage, target: string, body: string) =>
    fetch(upstream, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-amz-json-1.1',
        'x-amz-target': target,
        authorization: String(request.headers.authorization),
      },
      body,
    });

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(() => resolve()));
  });
  guard.endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return guard;
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
