import { lookup as lookupName } from 'node:dns/promises';
import { SECOND } from '../keyset/clock.js';
import { JwtrotError } from '../keyset/error.js';
import { quoteOutside } from '../keyset/outside-text.js';
import { type Command, runCommand } from '../outside/command.js';
import { errorCode } from '../outside/file-problem.js';
import { within } from '../outside/limit.js';
import { isPlain } from './fill.js';
import { parseInstances } from './parse-instances.js';
import type { Instance, Service } from './service.js';
import type { ServiceSettings } from './settings.js';

/** Of a look-up or a command that lists instances. */
const LIMIT = 10 * SECOND;

/** The instances of a service as of now. @throws JwtrotError kind `services` */
export async function listInstances(
  service: Service,
  settings: ServiceSettings,
  signal: AbortSignal,
): Promise<readonly Instance[]> {
  const source = service.instances;
  if (source === null) return [{ name: service.name, address: null }];
  switch (source.type) {
    case 'list':
      return checked(service, source.instances);
    case 'dns':
      return checked(service, await fromDns(service, source, settings, signal));
    case 'command':
      return checked(service, await fromCommand(service, source.command, settings, signal));
  }
}

/** Two of one name could not be told apart in what is reported, and one that is asked twice proves nothing of the other. */
function checked(service: Service, instances: readonly Instance[]): readonly Instance[] {
  const seen = new Set<string>();
  for (const { name, address } of instances) {
    const bad = [name, address ?? name].find((text) => !isPlain(text));
    if (bad !== undefined) {
      throw failure(service, 'bad-instance', `an instance is called or found at ${quoteOutside(bad)}`, {
        hint: 'names and addresses hold no white space, control character, "@", "/", "\\", "?" or "#", and begin with no "-"',
      });
    }
    if (seen.has(name)) {
      throw failure(service, 'duplicate-instance', `two instances are called ${quoteOutside(name)}`, {
        hint: 'give each instance a name of its own',
      });
    }
    seen.add(name);
  }
  return instances;
}

async function fromDns(
  service: Service,
  { name, port }: { name: string; port: number },
  { lookup = lookupName }: ServiceSettings,
  signal: AbortSignal,
): Promise<Instance[]> {
  const what = `host name ${quoteOutside(name)}`;
  try {
    const limited = await within(LIMIT, signal, () => lookup(name, { all: true }));
    signal.throwIfAborted();
    if (limited.ended !== 'done') throw failure(service, 'no-instances-source', `${what} was not looked up within 10s`);
    const hosts = limited.value.map(({ address, family }) => (family === 6 ? `[${address}]` : address));
    return [...new Set(hosts)].sort().map((host) => ({ name: `${host}:${port}`, address: `${host}:${port}` }));
  } catch (error) {
    if (errorCode(error) === 'ENOTFOUND') {
      throw failure(service, 'no-instances-source', `${what} has no address`, {
        hint: `check it: getent hosts ${name}`,
        cause: error,
      });
    }
    if (error instanceof JwtrotError || signal.aborted) throw error;
    throw failure(service, 'no-instances-source', `${what} can't be looked up: ${quoteOutside(errorCode(error))}`, {
      hint: `check the name servers: getent hosts ${name}`,
      cause: error,
    });
  }
}

async function fromCommand(
  service: Service,
  command: Command,
  { env, path }: ServiceSettings,
  signal: AbortSignal,
): Promise<Instance[]> {
  const result = await runCommand(command, { env, signal, timeout: LIMIT, ...(path === undefined ? {} : { path }) });
  signal.throwIfAborted();
  const name = quoteOutside(command.argv[0]);
  if (!result.ok) {
    throw failure(service, 'no-instances-source', `the command ${name} that lists them failed: ${result.reason}`, {
      hint: 'run it by hand as the same user; only the variables that its `env` names are passed on',
    });
  }
  const parsed = result.truncated ? 'it is longer than 64 KiB' : parseInstances(result.stdout);
  if (typeof parsed !== 'string') return parsed;
  throw failure(service, 'bad-instances', `the output of ${name} is not a list of instances: ${parsed}`, {
    hint: 'it must print a JSON array of "host:port" or { "name", "address" }',
  });
}

function failure(service: Service, code: string, message: string, details: { hint?: string; cause?: unknown } = {}) {
  return new JwtrotError('services', code, `instances of ${service.name}: ${message}; none was reloaded`, details);
}
