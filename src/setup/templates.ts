import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const NAMES = [
  'jwtrot.service',
  'jwtrot.timer',
  'jwtrot@.service',
  'jwtrot@.timer',
  'jwtrot-sync.service',
  'jwtrot-failure@.service',
  'sandbox.conf',
  'jwtrot.sysusers',
  'jwtrot.tmpfiles',
  'jwtrot.rules',
  'jwtrot-run',
] as const;

/** The package's systemd/ files, by name. */
export type Templates = Readonly<Record<(typeof NAMES)[number], string>>;

export function readTemplates(): Templates {
  const folder = findFolder();
  return Object.fromEntries(NAMES.map((name) => [name, readFileSync(`${folder}/${name}`, 'utf8')])) as Templates;
}

/** dist/ lies at another depth than dist/chunks/ and src/setup/, so try each. */
function findFolder(): string {
  for (const up of ['..', '../..', '../..']) {
    const folder = fileURLToPath(new URL(`${up}/systemd`, import.meta.url));
    if (existsSync(`${folder}/jwtrot.service`)) return folder;
  }
  throw new Error('the package has no folder systemd/');
}
