#!/usr/bin/env node
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  process.stderr.write(
    `jwtrot: needs Node 20.19 or later, and this is ${process.versions.node}; nothing was started\n`,
  );
  process.exit(2);
}
// This handler comes before all else is loaded. Without it, Node opens a debugger's port on SIGUSR1, and anyone who
// connects can read the keys in this process's memory.
process.on('SIGUSR1', () => {});
// Node's own warnings concern developers, not operators.
if (!process.argv.includes('--debug')) process.removeAllListeners('warning');
require('../dist/main.cjs');
