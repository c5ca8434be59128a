import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, lstatSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';

/** A service of a compose file, as far as it is understood here: any other field is an error. */
export interface Service {
  readonly image: string;
  readonly user: string;
  readonly working_dir: string;
  readonly network_mode: 'host';
  readonly read_only: true;
  readonly cap_drop: readonly string[];
  readonly security_opt: readonly string[];
  readonly ulimits: Readonly<Record<string, number>>;
  readonly volumes: readonly string[];
  readonly command: readonly string[];
  readonly entrypoint?: readonly string[];
  readonly group_add?: readonly string[];
  readonly restart?: string;
  readonly profiles?: readonly string[];
}

const UNDERSTOOD = new Set<string>([
  'image',
  'user',
  'working_dir',
  'network_mode',
  'read_only',
  'cap_drop',
  'security_opt',
  'ulimits',
  'volumes',
  'command',
  'entrypoint',
  'group_add',
  'restart',
  'profiles',
] satisfies (keyof Service)[]);

export interface Said {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/**
 * Podman with a store of its own. A container has a root of its own, in which there is nothing but /usr of this host: its
 * Node stands in for the image. All share one loopback, as with `network_mode: host`, which is not this host's.
 */
export class Engine {
  readonly #folder: string;
  readonly #services: Readonly<Record<string, Service>>;
  /** Where a volume's source lies in this test. */
  readonly #placeOf: (source: string) => string;
  readonly #names: string[] = [];

  constructor(folder: string, services: Readonly<Record<string, Service>>, placeOf: (source: string) => string) {
    this.#folder = folder;
    this.#services = services;
    this.#placeOf = placeOf;
  }

  /** Starts a service; the first one brings the loopback. */
  start(name: string): void {
    const said = this.#run(['-d', '--name', name], name);
    if (said.code !== 0) throw new Error(`podman run ${name}: ${said.err}`);
    this.#names.push(name);
  }

  /** As `docker compose run --rm NAME …args`. */
  once(name: string, args: readonly string[] = [], as = `${name}-once`): Said {
    return this.#run(['--rm', '--name', as], name, args);
  }

  /** As `once`, in the background. */
  begin(name: string, args: readonly string[], as: string): void {
    const said = this.#run(['-d', '--name', as], name, args);
    if (said.code !== 0) throw new Error(`podman run ${as}: ${said.err}`);
    this.#names.push(as);
  }

  exec(name: string, ...command: string[]): Said {
    return this.podman('exec', name, ...command);
  }

  end(): void {
    for (const name of this.#names.splice(0).reverse()) this.podman('rm', '-f', '-t', '0', name);
  }

  podman(...args: string[]): Said {
    // The driver `overlay` leaves a mount behind.
    const own = [
      '--root',
      join(this.#folder, 'storage'),
      '--runroot',
      join(this.#folder, 'run'),
      '--storage-driver',
      'vfs',
    ];
    const all = [...own, '--runtime', 'runc', '--cgroup-manager', 'cgroupfs', ...args];
    const { status, stdout, stderr, error } = spawnSync('podman', all, { encoding: 'utf8', timeout: 150_000 });
    if (error !== undefined) throw error;
    return { code: status, out: stdout, err: stderr };
  }

  #run(options: readonly string[], name: string, args?: readonly string[]): Said {
    const service = this.#services[name];
    if (service === undefined) throw new Error(`no service ${name}`);
    const network = this.#names[0] === undefined ? 'none' : `container:${this.#names[0]}`;
    const command = [
      ...(service.entrypoint ?? []),
      ...(args === undefined || args.length === 0 ? service.command : args),
    ];
    const root = newRoot(join(this.#folder, `root-${Math.random()}`));
    const given = this.#optionsOf(name, service);
    return this.podman('run', ...options, '--network', network, ...given, '--rootfs', root, ...command);
  }

  #optionsOf(name: string, service: Service): string[] {
    const foreign = Object.keys(service).filter((field) => !UNDERSTOOD.has(field));
    if (foreign.length > 0) throw new Error(`service ${name} has ${foreign.join(', ')}, which this test does not know`);
    const volumes = service.volumes.map((volume) => {
      const [source = '', ...rest] = volume.split(':');
      return [this.#placeOf(source), ...rest].join(':');
    });
    return [
      ['--user', service.user, '--workdir', service.working_dir, '--read-only', '--volume', '/usr:/usr:ro'],
      volumes.flatMap((volume) => ['--volume', volume]),
      (service.group_add ?? []).flatMap((group) => ['--group-add', group]),
      service.cap_drop.flatMap((name) => ['--cap-drop', name]),
      service.security_opt.flatMap((option) => ['--security-opt', option.replace(':true', '')]),
      Object.entries({ nofile: 1024, nproc: 4096, ...service.ulimits }).flatMap(([limit, n]) => [
        '--ulimit',
        `${limit}=${n}:${n}`,
      ]),
    ].flat();
  }
}

function newRoot(root: string): string {
  mkdirSync(root, { recursive: true });
  chmodSync(root, 0o755);
  for (const name of ['usr', 'etc', 'tmp', 'proc', 'sys', 'dev', 'run']) mkdirSync(join(root, name));
  for (const name of ['bin', 'sbin', 'lib', 'lib64']) {
    if (lstatSync(`/${name}`, { throwIfNoEntry: false })?.isSymbolicLink() === true)
      cpSync(`/${name}`, join(root, name), { verbatimSymlinks: true });
  }
  return root;
}
