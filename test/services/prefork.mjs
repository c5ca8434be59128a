// A prefork server for tests: each worker reads its kid from the file once, and again on SIGHUP, one after the other.
import cluster from 'node:cluster';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

const [file, count, delay] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];

if (cluster.isPrimary) {
  const workers = Array.from({ length: count }, () => cluster.fork());
  let ready = 0;
  cluster.on('listening', (_worker, address) => {
    ready += 1;
    if (ready === count) console.log(address.port);
  });
  process.on('SIGHUP', () => {
    for (const [index, worker] of workers.entries()) setTimeout(() => worker.send('reload'), delay * (index + 1));
  });
  process.on('SIGTERM', () => {
    for (const worker of workers) worker.process.kill('SIGKILL');
    process.exit();
  });
} else {
  let kid = readFileSync(file, 'utf8');
  let changedAt = 0;
  process.on('message', () => {
    kid = readFileSync(file, 'utf8');
    changedAt = Date.now();
  });
  process.on('SIGHUP', () => {});
  createServer((_request, response) =>
    response.end(JSON.stringify({ kid, kids: [kid], worker: process.pid, changedAt })),
  ).listen(0, '127.0.0.1');
}
