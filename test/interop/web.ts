import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { freePort, type World } from '../e2e/world.js';
import { changed } from '../languages/programs.js';
import { MAX_AGE } from './party.js';
import { Process } from './process.js';

export const PATH = '/.well-known/jwks.json';
export const example = (path: string): string =>
  readFileSync(fileURLToPath(new URL(`../../examples/${path}`, import.meta.url)), 'utf8');

/** A configuration of nginx that needs no root and touches nothing outside of the folder. */
const MAIN = `daemon off;
${process.getuid?.() === 0 ? 'user root;\n' : ''}worker_processes 1;
pid nginx.pid;
error_log stderr;
events {}
http {
  access_log off;
  client_body_temp_path temp;
  proxy_temp_path temp;
  fastcgi_temp_path temp;
  uwsgi_temp_path temp;
  scgi_temp_path temp;
  include server.conf;
}
`;

/** nginx as examples/nginx has it, without TLS, on a port of its own. */
export async function openNginx(world: World): Promise<Process> {
  const port = await freePort();
  const folder = world.folderFor('nginx');
  mkdirSync(`${folder}/temp`);
  const server = changed(example('nginx/jwks.conf'), [
    ['listen 443 ssl', `listen 127.0.0.1:${port}`],
    ['ssl_certificate /', '# ssl_certificate /'],
    ['ssl_certificate_key ', '# ssl_certificate_key '],
    ['max-age=60', `max-age=${MAX_AGE}`],
    ['/srv/jwks', world.folderFor('public')],
  ]);
  writeFileSync(`${folder}/server.conf`, server);
  writeFileSync(`${folder}/nginx.conf`, MAIN);
  const command = ['/usr/sbin/nginx', '-p', folder, '-c', `${folder}/nginx.conf`, '-e', 'stderr'];
  const nginx = new Process({ command, folder, port });
  await nginx.start();
  return nginx;
}
