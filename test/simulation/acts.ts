import type { Act, Deed } from './act.js';
import { addService, bury, dieForGood, guard, lostReload, mislabel, removeService, sealed } from './acts/fleet.js';
import { clockAhead, clockBack, reboot, suspend } from './acts/machines.js';
import { burst, deploy, importPublic, retire, retireNew, rollback } from './acts/operators.js';
import { changeAlg, changeLimits, changePolicy } from './acts/policies.js';
import { answerOld, damageRecord, loseRecord, loseStore, outage, recover, restore } from './acts/stores.js';

const MINUTE = 60_000;

export const ACTS: Readonly<Record<Deed, Act>> = {
  timer: (actor) => actor.start(actor.operators.rotate({}, actor.fate())),
  force: (actor) => actor.start(actor.operators.rotate({ force: true }, actor.fate())),
  immediate: (actor) => actor.start(actor.operators.rotate({ force: true, immediate: true }, actor.fate())),
  retire: (actor) => retire(actor, false),
  retireBare: (actor) => retire(actor, true),
  sync: (actor) => {
    const { world, operators } = actor;
    // Only at boot: by hand it would hide from the next run that signers may have found no key.
    if (!world.outlets[0].hasLostKey()) operators.sync(world.hosts[0], actor.fate());
  },
  secondRunner: (actor) => {
    const { world, operators } = actor;
    if (world.shape.secondHost && world.store.manifest !== null)
      actor.start(operators.rotate({}, actor.fate(), world.hosts[1]));
  },
  restart: (actor, { service, instance }) => service.restart(instance, actor.random.someTime(100, MINUTE)),
  replace: (_, { service, instance }) => service.replace(instance),
  deploy,
  reboot,
  badKey: ({ world }, { service }) => {
    for (const ahead of [1, 2]) service.cannotUse.add(`k${world.keys.made + ahead}`.padEnd(43, '-'));
  },
  clocks: ({ world, random }) => {
    if (world.shape.skewed) world.shiftClocks(random);
  },
  clockBack,
  suspend,
  policy: changePolicy,
  rollback,
  burst,
  retireNew,
  clockAhead,
  changeAlg,
  limits: changeLimits,
  dieForGood,
  bury,
  addService,
  removeService,
  lostReload,
  importPublic,
  restore,
  loseStore,
  answerOld,
  loseRecord,
  damageRecord,
  recover,
  outage,
  sealed,
  mislabel,
  guard,
};
