import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { Configuration } from '../../src/config/configuration.js';
import { loadConfiguration } from '../../src/config/load.js';

/** One keyset, read as the command reads it. */
export async function configuration({
  store = { type: 'directory', path: '/var/lib/jwtrot/store' },
  wrap,
  ...keyset
}: {
  store?: object;
  wrap?: object;
  publish?: object[];
  deliver?: object[];
  services?: object[];
}): Promise<Configuration> {
  const folder = mkdtempSync(join(tmpdir(), 'jwtrot-setup-'));
  try {
    const path = join(folder, 'jwtrot.yaml');
    const value = {
      store,
      ...(wrap === undefined ? {} : { wrap }),
      keysets: { api: { maxTokenTtl: '1h', ...keyset } },
    };
    writeFileSync(path, stringify(value), { mode: 0o600 });
    return await loadConfiguration({ path, env: {}, uid: process.getuid?.() ?? 0, home: folder });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const health = { url: 'http://127.0.0.1:1/healthz', deadline: '20s' };

export const signer = (name: string, reload: object) => ({ name, role: 'signer', reload, health });
export const verifier = (name: string, reload: object) => ({ name, role: 'verifier', reload, health });
