import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { describeCron } from './cron.js';
import { describeDay } from './day.js';
import { describeFaults } from './faults.js';
import { describeFirstDay } from './first-day.js';
import { describeFirstStart } from './first-start.js';
import { describeHostile } from './hostile.js';
import { Hosts } from './hosts.js';
import { describeIncident } from './incident.js';
import { describeInstallation } from './installation.js';
import { describeKms } from './kms.js';
import { describeLeak } from './leak.js';
import { Machine, removeLeftovers } from './machine.js';
import { describePowerCut } from './power-cut.js';
import { describeReaders } from './readers.js';
import { describeRecovery } from './recovery.js';
import { describeRefusals } from './refusals.js';
import { describeRemoval } from './removal.js';
import { furnish, pack } from './site.js';
import { describeTimer } from './timer.js';
import { CACHE, debianTree } from './tree.js';
import { describeWaiting } from './waiting.js';

const RUN = 'run-';
let machine: Machine;
const hosts = new Hosts(debianTree, join(CACHE, `${RUN}${process.pid}`));

beforeAll(async () => {
  removeLeftovers(CACHE, RUN);
  machine = new Machine(debianTree(), join(CACHE, `${RUN}${process.pid}`));
  furnish(machine.root);
  pack(machine.root);
  await machine.boot();
});
afterAll(async () => {
  await machine?.close();
  await hosts.close();
});

describeInstallation(() => machine);
describeTimer(() => machine);
describeFaults(() => machine);
describeKms(() => machine);
describeIncident(() => machine);
describeWaiting(() => machine);
describePowerCut(() => machine);
describeDay(() => machine);
describeFirstStart(() => machine);
describeHostile(() => machine);
describeRefusals(() => machine);
describeCron(() => machine);
describeRemoval(() => machine);
describeFirstDay(hosts);
describeLeak(hosts);
describeReaders(hosts);
describeRecovery(hosts);
