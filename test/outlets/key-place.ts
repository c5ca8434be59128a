import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DeliverCommand } from '../../src/outlets/configured.js';
import type { OutletPort } from '../../src/outlets/outlet.js';
import { diskFolder, portOf } from './support.js';

/** Puts the key into `key`, then names it in `kid`. */
export const TAKES = 'cat > $F/key && printf %s "$JWTROT_KID" > $F/kid; echo run >> $F/runs';
export const SAYS = 'cat $F/kid 2>/dev/null || true';

/** A folder that a command delivers a key to. Scripts find it as `$F`. */
export class KeyPlace {
  readonly folder = diskFolder();

  script(text: string): DeliverCommand['command'] {
    return { argv: ['/bin/sh', '-c', `F=${this.folder}; ${text}`], env: [] };
  }

  outlet(command = TAKES, holds = SAYS, changes: Partial<DeliverCommand> = {}): DeliverCommand {
    const [takes, says] = [this.script(command), this.script(holds)];
    return { type: 'command', command: takes, holds: says, format: 'pem', timeout: 10_000, ...changes };
  }

  port(outlet: DeliverCommand, more: Parameters<typeof portOf>[0] = {}): OutletPort {
    return portOf({ deliver: [outlet], stateDirectory: this.path('state'), ...more });
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  read(name: string): string {
    return readFileSync(this.path(name), 'utf8');
  }

  put(name: string, text: string): void {
    writeFileSync(this.path(name), text);
  }

  /** The record of what the command was given. */
  record(): string {
    const [name] = readdirSync(this.path('state')).filter((entry) => entry.endsWith('.delivered'));
    return this.path(`state/${name}`);
  }
}
