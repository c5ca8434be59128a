import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { describeCron } from './cron.js';
import { describeFaults } from './faults.js';
import { describeIncident } from './incident.js';
import { describeInstallation } from './installation.js';
import { describeKms } from './kms.js';
import { Machine, removeLeftovers } from './machine.js';
import { describePowerCut } from './power-cut.js';
import { describeRemoval } from './removal.js';
import { furnish, pack } from './site.js';
import { describeTimer } from './timer.js';
import { CACHE, debianTree } from './tree.js';
import { describeWaiting } from './waiting.js';

const RUN = 'run-';
let machine: Machine;

beforeAll(async () => {
  removeLeftovers(CACHE, RUN);
  machine = new Machine(debianTree(), join(CACHE, `${RUN}${process.pid}`));
  furnish(machine.root);
  pack(machine.root);
  await machine.boot();
});
afterAll(() => machine?.close());

describeInstallation(() => machine);
describeTimer(() => machine);
describeFaults(() => machine);
describeKms(() => machine);
describeIncident(() => machine);
describeWaiting(() => machine);
describePowerCut(() => machine);
describeCron(() => machine);
describeRemoval(() => machine);
