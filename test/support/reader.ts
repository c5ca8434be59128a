import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export interface Said {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** Types what a page says, in a home of its own, with free ports. The package is this one, not that of a registry. */
export class Reader {
  readonly home = mkdtempSync(join(tmpdir(), 'jwtrot-reader-'));
  readonly #ports: readonly [number, number];

  private constructor(ports: readonly [number, number]) {
    this.#ports = ports;
    mkdirSync(join(this.home, 'rotation/node_modules/.bin'), { recursive: true });
    symlinkSync(ROOT, join(this.home, 'rotation/node_modules/jwtrot'));
    symlinkSync(join(ROOT, 'bin/jwtrot.js'), join(this.home, 'rotation/node_modules/.bin/jwtrot'));
  }

  static async make(): Promise<Reader> {
    return new Reader([await freePort(), await freePort()]);
  }

  ported(text: string): string {
    return text.replaceAll('4001', `${this.#ports[0]}`).replaceAll('4002', `${this.#ports[1]}`);
  }

  /** All blocks in one shell, as they stand in the page, with a mark before each. */
  type(blocks: readonly string[]): Promise<Said> {
    const typed = blocks.map((block) => `echo '== block'\n${this.#here(this.ported(block))}`).join('');
    const script = `trap 'kill $(jobs -p) || true' EXIT\n${typed}`;
    const env = { PATH: process.env['PATH'] ?? '', HOME: this.home, XDG_STATE_HOME: join(this.home, 'state') };
    const child = spawn('bash', ['-eumo', 'pipefail', '-c', script], { cwd: this.home, env });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (chunk) => (stdout += chunk));
    child.stderr.on('data', (chunk) => (stderr += chunk));
    return new Promise((resolve) => child.once('close', (code) => resolve({ code, stdout, stderr })));
  }

  #here(block: string): string {
    return block
      .replace(/^mkdir -p -m 755 rotation && cd rotation/m, 'cd rotation')
      .replace(/^npm install jwtrot .*\n/m, '')
      .replace(/^npm init -y(?: && npm install jwtrot)?/m, 'npm init -y >&2')
      .replace(/^cp node_modules\/jwtrot\/examples\/.* &&$/m, (line) => `${line}\n${this.#portCopies()} &&`);
  }

  /** What was copied has the ports of the page, too. */
  #portCopies(): string {
    return `sed -i -e 's/4001/${this.#ports[0]}/' -e 's/4002/${this.#ports[1]}/' *.mjs *.yaml`;
  }

  leave(): void {
    rmSync(this.home, { recursive: true, force: true });
  }
}
