import { cpSync, existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { type AwsServer, startAwsServer } from '../aws/server.js';
import { awsEnv } from '../e2e/aws-command.js';
import type { World } from '../e2e/world.js';

/** A wrapped key as the store has it. */
export interface KeptKey {
  readonly thumbprint: string;
  /** Its deletion was ordered. */
  readonly deleted: boolean;
}

/** Where a keyset lies, seen from outside: what a test puts back before each kill, and looks at after it. */
export interface Keeping {
  readonly configuration: object;
  readonly env: Record<string, string>;
  /** The newest manifest's text; null when there is none. */
  manifestText(): string | null;
  keys(): Promise<KeptKey[]>;
  /** Remembers everything as it is now. */
  save(): Promise<void>;
  /** Time passes for the store too, where it has a clock of its own. */
  advance(duration: number): void;
  /** Everything as it was saved; nothing when it never was. */
  restore(): Promise<void>;
  close(): Promise<void>;
}

/** Everything that the local store and the local KEK are made of, and what the host remembers of the keyset. */
export function keepInDirectory(world: World): Keeping {
  const all = ['store', 'kek', 'records'];
  const kept = world.path('kept');
  const manifests = world.path('store/api/manifest');
  const keys = world.path('store/api/keys');
  return {
    configuration: {
      store: { type: 'directory', path: world.path('store') },
      wrap: { type: 'local', kek: { file: world.path('kek') } },
    },
    env: {},
    manifestText() {
      const newest = namesIn(manifests)
        .filter((name) => name.endsWith('.json'))
        .at(-1);
      return newest === undefined ? null : readFileSync(`${manifests}/${newest}`, 'utf8');
    },
    async keys() {
      const found = namesIn(keys).map((name) => /^([\w-]{43})(\.deleted-\d+)?\.json$/.exec(name));
      return found.flatMap((match) => (match?.[1] ? [{ thumbprint: match[1], deleted: match[2] !== undefined }] : []));
    },
    async save() {
      rmSync(kept, { recursive: true, force: true });
      for (const name of all.filter((one) => existsSync(world.path(one))))
        cpSync(world.path(name), `${kept}/${name}`, { recursive: true, preserveTimestamps: true });
    },
    async restore() {
      for (const name of namesIn(world.folder)) {
        if (all.includes(name) || name.startsWith('.kek-')) rmSync(world.path(name), { recursive: true, force: true });
      }
      if (existsSync(kept)) cpSync(kept, world.folder, { recursive: true, preserveTimestamps: true });
    },
    advance() {},
    async close() {},
  };
}

function namesIn(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder).sort() : [];
}

const PREFIX = 'crash';
const KEY_NAME = new RegExp(`^${PREFIX}/api/([\\w-]{43})/private$`);
let tokens = 0;

interface Listed {
  readonly name: string;
  readonly deletionDate: number | null;
}

export type AwsKeeping = Keeping & {
  readonly server: AwsServer;
  /** Every call since the newest `restore`, in order. */
  readonly calls: readonly string[];
};

/** Secrets of the suite's own AWS, which is this keyset's alone. */
export async function keepInAws(world: World): Promise<AwsKeeping> {
  /** What the host remembers, with the folders that the first run makes for it. */
  const state = world.path('state');
  const keptState = world.path('kept-state');
  const server = await startAwsServer();
  const calls = watchCalls(server);
  let kept = new Map<string, string>();
  const list = async () => {
    const reply = await fetch(`${server.endpoint}/_control`);
    return ((await reply.json()) as { secrets: Listed[] }).secrets;
  };
  return {
    server,
    calls,
    configuration: {
      store: { type: 'secrets-manager', prefix: PREFIX },
      wrap: { type: 'kms', keyId: server.keyId },
    },
    env: awsEnv(server),
    manifestText() {
      try {
        return server.secretText(`${PREFIX}/api`);
      } catch {
        return null;
      }
    },
    async keys() {
      return (await list()).flatMap(({ name, deletionDate }) => {
        const thumbprint = KEY_NAME.exec(name)?.[1];
        return thumbprint === undefined ? [] : [{ thumbprint, deleted: deletionDate !== null }];
      });
    },
    async save() {
      const live = (await list()).filter(({ deletionDate }) => deletionDate === null);
      kept = new Map(live.map(({ name }) => [name, server.secretText(name)]));
      rmSync(keptState, { recursive: true, force: true });
      if (existsSync(state)) cpSync(state, keptState, { recursive: true });
    },
    async restore() {
      server.heal();
      server.advance(Date.now() - server.now());
      for (const { name } of await list()) {
        server.secrets.DeleteSecret({ SecretId: name, ForceDeleteWithoutRecovery: true });
      }
      for (const [Name, SecretString] of kept) {
        tokens += 1;
        server.secrets.CreateSecret({ Name, SecretString, ClientRequestToken: `kept-${tokens}`.padEnd(32, '-') });
      }
      rmSync(state, { recursive: true, force: true });
      if (existsSync(keptState)) cpSync(keptState, state, { recursive: true });
      calls.length = 0;
    },
    advance: (duration) => server.advance(duration),
    close: () => server.close(),
  };
}

/** The server counts per operation; which call is the nth of all shows only from its order. */
function watchCalls(server: AwsServer): string[] {
  const { faults } = server as unknown as { faults: { of(operation: string): unknown } };
  const calls: string[] = [];
  const of = faults.of.bind(faults);
  faults.of = (operation) => {
    calls.push(operation);
    return of(operation);
  };
  return calls;
}
