// The server as a process: prints one line of JSON ({ endpoint, keyId, region, pid }) and runs until its standard input
// ends or it gets SIGTERM, so that it never outlives the test that started it.
import { startAwsServer } from './server.js';

const server = await startAwsServer({ region: process.argv[2] ?? 'eu-central-1' });
const end = () => server.close().then(() => process.exit(0));
process.once('SIGTERM', end);
process.stdin.resume().once('end', end).once('close', end);
console.log(
  JSON.stringify({ endpoint: server.endpoint, keyId: server.keyId, region: server.region, pid: process.pid }),
);
