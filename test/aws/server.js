// A small AWS (Secrets Manager and KMS, JSON 1.1 over HTTP, on loopback) that keeps state, is as strict as AWS, and fails
// on demand. Plain JavaScript, so that Node runs it as it is, in a child process too (server-main.js). See server.d.ts.
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { AwsFailure } from './server-failure.js';
import { Faults } from './server-faults.js';
import { Kms } from './server-kms.js';
import { Secrets } from './server-secrets.js';

const JSON_TYPE = 'application/x-amz-json-1.1';
const WRITES = /^(Create|Put|Update|Delete|Restore)/;

class AwsServer {
  constructor(region) {
    this.region = region;
    this.offset = 0;
    this.lie = 0;
    this.faults = new Faults();
    const world = { region, now: () => this.now() };
    this.secrets = new Secrets(world);
    this.kms = new Kms(world);
    /** The secrets before the newest write: what a stale read shows. */
    this.former = new Map();
    this.http = createServer((request, response) => this.answer(request, response));
    this.keyId = this.kms.CreateKey().KeyMetadata.Arn;
    this.kms.CreateAlias({ AliasName: 'alias/jwtrot', TargetKeyId: this.keyId });
  }

  now() {
    return Date.now() + this.offset;
  }

  advance(duration) {
    this.offset += duration;
  }

  lieAboutTime(duration) {
    this.lie = duration;
  }

  fail(rule) {
    this.faults.add(rule);
  }

  heal() {
    this.faults.clear();
  }

  calls(operation) {
    return this.faults.counts[operation] ?? 0;
  }

  endless() {
    return this.faults.endless;
  }

  secretText(name) {
    return this.secrets.GetSecretValue({ SecretId: name }).SecretString;
  }

  replaceSecret(name, text) {
    this.secrets.PutSecretValue({ SecretId: name, SecretString: text, ClientRequestToken: randomUUID() });
  }

  makeReplica(name, primaryRegion) {
    this.secrets.find(name).primaryRegion = primaryRegion;
  }

  async listen(port = 0) {
    await new Promise((resolve, reject) => this.http.once('error', reject).listen(port, '127.0.0.1', resolve));
    this.endpoint = `http://127.0.0.1:${this.http.address().port}`;
  }

  async close() {
    this.http.closeAllConnections();
    await new Promise((resolve) => this.http.close(resolve));
  }

  async answer(request, response) {
    const body = await textOf(request);
    if (request.url === '/_control') return this.control(request, response, body);
    const [service = '', operation = ''] = String(request.headers['x-amz-target'] ?? '').split('.');
    const rule = this.faults.of(operation);
    const reply = (status, type, text) => {
      const headers = {
        'Content-Type': type,
        'x-amzn-RequestId': randomUUID(),
        Date: new Date(this.now() + this.lie).toUTCString(),
      };
      response.writeHead(status, headers).end(text);
    };
    const fault = (type, message, status) => reply(status, JSON_TYPE, JSON.stringify({ __type: type, message }));
    const mode = rule?.mode;
    if (mode === 'silence') return;
    if (mode === 'endless') return this.faults.answerWithoutEnd(response, rule.pace);
    if (mode === 'cut') return request.socket.destroy();
    if (mode === 'before') return fault('InternalServiceError', 'An error occurred on the server side.', 500);
    if (mode === 'throttle') return fault('ThrottlingException', 'Rate exceeded', 400);
    if (mode === 'denied')
      return fault(
        'AccessDeniedException',
        `User: arn:aws:iam::111122223333:user/test is not authorized to perform: ${operation}`,
        400,
      );
    if (mode === 'error') return fault(rule.type, rule.message ?? '', rule.status ?? 400);
    if (mode === 'html500') return reply(500, 'text/html', '<html><body>Internal Server Error</body></html>');
    if (mode === 'slow') await new Promise((resolve) => setTimeout(resolve, rule.ms ?? 1_000));
    try {
      if (!/^AWS4-HMAC-SHA256 Credential=/.test(request.headers.authorization ?? '')) {
        throw new AwsFailure('MissingAuthenticationTokenException', 'Missing Authentication Token');
      }
      const result = this.perform(service, operation, JSON.parse(body), mode === 'stale');
      if (mode === 'lost-reply') return request.socket.destroy();
      if (mode === 'mute') return;
      if (mode === 'after') return fault('InternalServiceError', 'An error occurred on the server side.', 500);
      reply(200, JSON_TYPE, JSON.stringify(result));
    } catch (error) {
      if (mode === 'lost-reply') return request.socket.destroy();
      if (error instanceof AwsFailure) return fault(error.type, error.message, error.status);
      fault('InternalFailure', String(error), 500);
    }
  }

  perform(service, operation, input, stale) {
    const backend = service === 'secretsmanager' ? this.secrets : service === 'TrentService' ? this.kms : undefined;
    if (backend === undefined || !/^[A-Z][A-Za-z]+$/.test(operation) || typeof backend[operation] !== 'function') {
      throw new AwsFailure('UnknownOperationException', `${service}.${operation}`);
    }
    if (backend === this.kms) return backend[operation](input);
    const now = this.secrets.secrets;
    const before = stale ? structuredClone(this.former) : WRITES.test(operation) ? structuredClone(now) : now;
    if (stale) this.secrets.secrets = before;
    try {
      const result = backend[operation](input);
      if (!stale && before !== now) this.former = before;
      return result;
    } catch (error) {
      // What fails changes nothing.
      this.secrets.secrets = before;
      throw error;
    } finally {
      if (stale) this.secrets.secrets = now;
    }
  }

  /** For other processes: GET tells what was called and what is held; POST takes `fail`, `heal`, `advance`, `lie`, `replace`. */
  control(request, response, body) {
    try {
      const { fail, heal, advance, lie, replace } = request.method === 'POST' ? JSON.parse(body) : {};
      if (heal === true) this.heal();
      if (advance !== undefined) this.advance(advance);
      if (lie !== undefined) this.lieAboutTime(lie);
      if (replace !== undefined) this.replaceSecret(replace.name, replace.text);
      for (const rule of [fail ?? []].flat()) this.fail(rule);
      const secrets = [...this.secrets.secrets.values()].map(({ name, deletionDate }) => ({ name, deletionDate }));
      const state = { now: this.now(), calls: this.faults.counts, secrets, keyId: this.keyId };
      response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(state));
    } catch (error) {
      response.writeHead(400, { 'Content-Type': 'text/plain' }).end(String(error));
    }
  }
}

async function textOf(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

export async function startAwsServer({ region = 'eu-central-1', port = 0 } = {}) {
  const server = new AwsServer(region);
  await server.listen(port);
  return server;
}
