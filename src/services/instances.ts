import { lookup as lookupName } from 'node:dns/promises';
import { SECOND } from '../keyset/basics/clock.js';
import { JwtrotError } from '../keyset/basics/error.js';
import { quoteOutside } from '../keyset/basics/outside-text.js';
import { type Command, runCommand } from '../outside/command.js';
import { errnoOf } from '../outside/errno.js';
import { within } from '../outside/limit.js';
import { keepHeapSmall } from '../outside/small-heap.js';
import { fill, fillPath, fillUnit, fillUrl } from './fill.js';
import { isAddress, isInstanceName } from './instance-rules.js';
import { MOST_INSTANCES, parseInstances } from './parse-instances.js';
import type { Instance, Service } from './service.js';
import type { ServiceSettings } from './settings.js';

/** More instances than this need much memory. */
const MANY = 64;
/** Time limit of a look-up, or of a command that lists instances. */
const LIMIT = 10 * SECOND;

/** Lists the instances that a service has now. @throws JwtrotError kind `services` */
export async function listInstances(
  service: Service,
  settings: ServiceSettings,
  signal: AbortSignal,
): Promise<readonly Instance[]> {
  const source = service.instances;
  if (source === null) return checked(service, [{ name: service.name, address: null }]);
  switch (source.type) {
    case 'list':
      return checked(service, source.instances);
    case 'dns':
      return checked(service, await fromDns(service, source, settings, signal));
    case 'command':
      return checked(service, await fromCommand(service, source.command, settings, signal));
  }
}

/** Characters to keep of a name that breaks the rules. */
const MOST_OF_NAME = 200;

/**
 * Marks each instance that breaks a rule; the others stay usable. A marked instance's name is unescaped until it is
 * printed.
 */
function checked(service: Service, instances: readonly Instance[]): readonly Instance[] {
  if (instances.length > MANY) keepHeapSmall();
  if (instances.length > MOST_INSTANCES) {
    throw failure(service, 'too-many-instances', `there are ${instances.length}, at most ${MOST_INSTANCES} are taken`);
  }
  const seen = new Set<string>();
  return instances.map((instance) => {
    const flaw = instance.flaw ?? flawOf(instance, seen) ?? fillingFlaw(service, instance);
    seen.add(instance.name);
    return flaw === null ? instance : { name: instance.name.slice(0, MOST_OF_NAME), address: null, flaw };
  });
}

/**
 * Refuses a second instance with the same name: reports could not tell them apart, and one may be the other asked twice.
 */
function flawOf({ name, address }: Instance, seen: ReadonlySet<string>): string | null {
  if (!isInstanceName(name)) return `an instance can't be called ${quoteOutside(name)}`;
  if (address !== null && !isAddress(address)) return `${quoteOutside(address)} is no address host:port`;
  return seen.has(name) ? `two instances are called ${quoteOutside(name)}` : null;
}

/** Tries every template of the service, so that a name or address can't redirect a poll or a reload. */
function fillingFlaw({ health, reload }: Service, instance: Instance): string | null {
  try {
    if (health !== null) fillUrl(health.url, instance);
    if (reload.type === 'systemd') fillUnit(reload.unit, instance);
    if (reload.type === 'http') fillUrl(reload.url, instance);
    if (reload.type === 'command') for (const argument of reload.command.argv.slice(1)) fill(argument, instance);
    if (reload.type === 'signal' && 'pidFile' in reload.target) fillPath(reload.target.pidFile, instance);
    return null;
  } catch (error) {
    if (!(error instanceof JwtrotError)) throw error;
    return error.message;
  }
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
    if (errnoOf(error) === 'ENOTFOUND') {
      throw failure(service, 'no-instances-source', `${what} has no address`, {
        hint: `check it: getent hosts ${name}`,
        cause: error,
      });
    }
    if (error instanceof JwtrotError || signal.aborted) throw error;
    throw failure(service, 'no-instances-source', `${what} can't be looked up: ${quoteOutside(errnoOf(error))}`, {
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
