// Workers behind one port, each with a keyring of its own, as docs/services.md says. The primary says the port once all of
// them listen: node keyring-cluster.js '{"workers":3,"options":{…}}'.
import cluster from 'node:cluster';
import { createServer } from 'node:http';
import { openKeyring } from 'jwtrot';

const { workers, options } = JSON.parse(process.argv[2] ?? '{}');

if (cluster.isPrimary) {
  let listening = 0;
  cluster.on('listening', (_worker, { port }) => {
    listening += 1;
    if (listening === workers) console.log(port);
  });
  for (let i = 0; i < workers; i++) cluster.fork();
  process.on('disconnect', () => process.exit());
} else {
  const keyring = await openKeyring(options);
  createServer((_request, response) => {
    const health = { ...keyring.health(), worker: process.pid };
    response.writeHead(keyring.health().status, { connection: 'close' }).end(JSON.stringify(health));
    // The first to ask for any port chooses that of all workers.
  }).listen(0, '127.0.0.1');
}
