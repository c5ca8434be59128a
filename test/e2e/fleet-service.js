// A fleet behind one port, run as its own process. POST /reload/N has the Nth instance read the JWKS; GET /healthz/N reports
// it `slowest` * N / `count` ms later, so that the last one takes `slowest`. Options (argv[2], JSON): count, slowest, jwks, and
// hang: so many of the last never answer a poll. The process that forked it is told when the last one reports what it read.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

const { count, slowest, jwks, hang = 0 } = JSON.parse(process.argv[2] ?? '{}');
const kidsOf = new Map();

function read() {
  try {
    return JSON.parse(readFileSync(jwks, 'utf8')).keys.map(({ kid }) => kid);
  } catch {
    return [];
  }
}

const server = createServer((request, response) => {
  const [, what, name] = request.url.split('/');
  const number = Number(name);
  if (what === 'reload') {
    const kids = read();
    setTimeout(
      () => {
        kidsOf.set(name, kids);
        if (number === count) process.send({ type: 'last', at: String(process.hrtime.bigint()) });
      },
      (slowest * number) / count,
    );
  }
  if (what === 'healthz' && number > count - hang) return;
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify({ kids: kidsOf.get(name) ?? [] }));
});
process.on('disconnect', () => process.exit(0));
server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () => {
  process.send({ type: 'listening', port: server.address().port });
});
