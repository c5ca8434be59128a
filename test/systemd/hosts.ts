import { randomUUID } from 'node:crypto';
import { expect } from 'vitest';

import { Page, shape } from '../support/page.js';
import { Machine } from './machine.js';
import { furnishServices, PAGE_UNITS, pack, put } from './site.js';

/** `id1` is set up on the first day; `id2` comes later. */
export type HostName = 'id1' | 'id2';

/** Hosts as docs/operations.md has them: a Debian with somebody's services, and nothing of jwtrot yet but its tarball. */
export class Hosts {
  readonly #machines = new Map<HostName, Machine>();

  /** @param folder where machines live; a name for each is appended */
  constructor(
    private readonly tree: () => string,
    private readonly folder: string,
  ) {}

  async boot(name: HostName): Promise<Machine> {
    const machine = new Machine(this.tree(), `${this.folder}-${name}`);
    this.#machines.set(name, machine);
    const { root } = machine;
    furnishServices(root, PAGE_UNITS);
    pack(root, 'root/jwtrot-0.1.0.tgz');
    put(root, 'etc/hostname', `${name}\n`);
    put(root, 'etc/machine-id', `${randomUUID().replaceAll('-', '')}\n`);
    // There is no registry here.
    put(root, 'root/.npmrc', 'offline=true\naudit=false\nfund=false\nupdate-notifier=false\n');
    await machine.boot();
    await machine.must('systemd-sysusers; systemctl restart nginx; mkdir -p /mnt/backup');
    return machine;
  }

  at(name: HostName): Machine {
    const machine = this.#machines.get(name);
    if (machine === undefined) throw new Error(`host ${name} was not booted`);
    return machine;
  }

  async close(): Promise<void> {
    for (const machine of this.#machines.values()) await machine.close();
  }
}

export const OPERATIONS = new Page('docs/operations.md');
export const RECOVERY = new Page('docs/recovery.md');

/** As a person does it, in root's home. @returns what stands on the terminal */
export async function typed(machine: Machine, command: string, code = 0): Promise<string> {
  const ran = await machine.run(`cd /root; { ${command}\n} 2>&1`);
  if (ran.code !== code) throw new Error(`${command}: exit ${ran.code}, not ${code}\n${ran.stdout}`);
  return ran.stdout;
}

/** That what was printed is what the page shows, but for kids and times. `JWTROT_SHOW=1` prints it, for the page. */
export function expectPrinted(page: Page, snippet: string, text: string): void {
  if (process.env['JWTROT_SHOW'] !== undefined) console.log(text);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours, and what clears a line
  const plain = text.replace(/\u001b\[[\d;]*[A-Za-z]|\r/g, '');
  expect.soft(shape(plain)).toBe(page.printed(snippet));
}

/** The page's own configuration, with the URL of this test's web server. */
export const CONFIGURATION = (/^```yaml\n(store:.*?)^```/ms.exec(OPERATIONS.text)?.[1] ?? '').replace(
  'https://id.example/',
  'http://127.0.0.1:8081/',
);

/** Without a registry the tarball's path stands for the name, as the page says. */
export const INSTALL = /`(npm install -g \.\/\S+\.tgz)`/.exec(OPERATIONS.section('Setting up'))?.[1] ?? '';

/** What comes before all else on a new host. */
export async function install(machine: Machine): Promise<void> {
  await typed(machine, INSTALL);
  await machine.must('mkdir -p /etc/jwtrot; cat > /etc/jwtrot/jwtrot.yaml', CONFIGURATION);
}
