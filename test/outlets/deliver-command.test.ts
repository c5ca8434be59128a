import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { OutletContent } from '../../src/keyset/published/jwk-set.js';
import type { DeliverCommand } from '../../src/outlets/configured.js';
import { newPair, type TestPair } from '../support/manifest.js';
import { KeyPlace, SAYS, TAKES } from './key-place.js';
import { expectNoKey } from './private-key-text.js';
import {
  contentOf,
  keyFrom,
  noKey,
  clock as realClock,
  recordsInMemory,
  refusal,
  remembering,
  toFile,
  tryToWrite,
  write,
} from './support.js';

let place: KeyPlace;
beforeEach(() => {
  place = new KeyPlace();
});

let one: TestPair;
let two: TestPair;
let first: OutletContent;
let switched: OutletContent;
beforeAll(async () => {
  [one, two] = [await newPair(), await newPair()];
  first = contentOf(3, [one, two]);
  switched = contentOf(4, [two, one]);
});

const WRITTEN = { publish: false, deliver: true };
const UNTOUCHED = { publish: false, deliver: false };

describe('a deliver command', () => {
  it('gets the key on its standard input; keyset, kid and revision in its environment, and nothing secret there', async () => {
    const port = place.port(place.outlet(`env > $F/env; tr '\\0' ' ' < /proc/$$/cmdline > $F/args; ${TAKES}`), {
      env: { SECRET: 'x', PATH: '/evil' },
    });
    expect(await port.observe(2_000)).toEqual([
      { outlet: 'deliver command sh', kind: 'deliver', format: 'pem', keys: null, intact: false },
    ]);
    expect(await write(port, first, { privateKey: keyFrom(one).ask })).toEqual(WRITTEN);
    expect(place.read('key')).toMatch(/^-----BEGIN PRIVATE KEY-----\n/);
    const env = place.read('env').split('\n');
    for (const line of ['JWTROT_KEYSET=api', 'JWTROT_REVISION=3', `JWTROT_KID=${one.thumbprint}`])
      expect(env).toContain(line);
    expect(env.some((line) => line.startsWith('SECRET='))).toBe(false);
    for (const file of ['env', 'args']) expectNoKey(place.read(file), one);
    expect(await port.observe(2_000)).toMatchObject([
      { keys: [{ kid: one.thumbprint, thumbprint: one.thumbprint }], intact: true },
    ]);
  });

  it('leaves no private half in what jwtrot remembers, which others can not read', async () => {
    await write(place.port(place.outlet()), first, { privateKey: keyFrom(one).ask });
    const path = place.record();
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(place.path('state')).mode & 0o777).toBe(0o700);
    expectNoKey(readFileSync(path, 'utf8'), one);
  });

  it('is run only where holds does not name the key: after a loss, after a change, after a rollback', async () => {
    const port = place.port(place.outlet());
    await write(port, first, { privateKey: keyFrom(one).ask });
    expect(await write(port, { ...first, revision: 9 }, { privateKey: noKey, again: true })).toEqual(UNTOUCHED);
    rmSync(place.path('kid'));
    expect(await port.observe(2_000)).toMatchObject([{ keys: null }]);
    expect(await write(port, first, { privateKey: keyFrom(one).ask })).toEqual(WRITTEN);
    expect(await write(port, switched, { privateKey: keyFrom(two).ask })).toEqual(WRITTEN);
    expect(await write(port, { ...first, revision: 5 }, { privateKey: keyFrom(one).ask })).toEqual(WRITTEN);
    expect(place.read('kid')).toBe(one.thumbprint);
    expect(place.read('runs')).toBe('run\n'.repeat(4));
  });

  it('is run again where somebody has put a former key back, and where the JWK is to tell something else', async () => {
    const port = place.port(place.outlet(TAKES, SAYS, { format: 'jwk' }));
    await write(port, switched, { privateKey: keyFrom(two).ask });
    place.put('kid', one.thumbprint);
    expect(await port.observe(2_000)).toMatchObject([{ keys: [{ kid: one.thumbprint, isSaid: true }] }]);
    expect(await write(port, switched, { privateKey: keyFrom(two).ask })).toEqual(WRITTEN);
    const told = { keyset: 'api', maxTokenTtl: 60 };
    const changed = { ...switched, active: switched.active && { ...switched.active, told } };
    expect(await write(port, changed, { privateKey: keyFrom(two).ask })).toEqual(WRITTEN);
    expect(JSON.parse(place.read('key'))).toMatchObject({ kid: two.thumbprint, jwtrot: told });
    expect(await port.observe(2_000)).toMatchObject([{ told, intact: true }]);
  });

  it('finds the last kid and revision in the environment of holds', async () => {
    const port = place.port(place.outlet(TAKES, `env | grep ^JWTROT_ | sort > $F/asked; ${SAYS}`));
    await port.observe(2_000);
    expect(place.read('asked')).toBe('JWTROT_KEYSET=api\n');
    await write(port, first, { privateKey: keyFrom(one).ask });
    place.put('asked', '');
    await port.observe(2_000);
    expect(place.read('asked')).toBe(`JWTROT_KEYSET=api\nJWTROT_KID=${one.thumbprint}\nJWTROT_REVISION=3\n`);
  });

  it('does not overwrite a key that nobody knows, and does not show what holds printed', async () => {
    place.put('kid', 'somebodys-key');
    const error = await refusal(write(place.port(place.outlet()), first));
    expect(error).toMatchObject({ kind: 'refused', code: 'unknown-kid' });
    expect(error.message).toContain('deliver command sh: it holds a key, which keyset api does not know');
    expect(`${error.message} ${error.hint}`).not.toContain('somebodys-key');
    expect(await place.port(place.outlet()).keys(2_000)).toEqual([]);
    expect(existsSync(place.path('key'))).toBe(false);
  });

  it('can be given another key, but none: what stays there is said', async () => {
    const port = place.port(place.outlet());
    await write(port, first, { privateKey: keyFrom(one).ask });
    const empty = { ...first, revision: 4, active: null };
    expect(await refusal(write(port, empty))).toMatchObject({ kind: 'services', code: 'still-delivered' });
    rmSync(place.path('kid'));
    expect(await write(port, empty)).toEqual(UNTOUCHED);
  });
});

describe('a deliver command that fails', () => {
  const failing = (script: string, changes: Partial<DeliverCommand> = {}, holds = SAYS) =>
    refusal(write(place.port(place.outlet(script, holds, changes)), first, { privateKey: keyFrom(one).ask }));

  it('is named with its exit code, and is given the key again', async () => {
    const script = `test -e $F/mended || exit 3; ${TAKES}`;
    const error = await failing(script);
    expect(error).toMatchObject({ kind: 'services', code: 'outlet-command-failed', exit: 4 });
    expect(error.message).toContain(`deliver command sh did not take key "${one.thumbprint}" of keyset api: exit 3;`);
    place.put('mended', '');
    expect(await write(place.port(place.outlet(script)), first, { privateKey: keyFrom(one).ask })).toEqual(WRITTEN);
  });

  it('after it has written is given the key again: it may lie there by half', async () => {
    const script = `${TAKES}; test -e $F/mended`;
    await failing(script);
    expect(place.read('kid')).toBe(one.thumbprint);
    const port = place.port(place.outlet(script));
    expect(await port.observe(2_000)).toMatchObject([{ keys: [{ kid: one.thumbprint }], intact: false }]);
    place.put('mended', '');
    expect(await write(port, first, { privateKey: keyFrom(one).ask })).toEqual(WRITTEN);
    expect(await port.observe(2_000)).toMatchObject([{ intact: true }]);
  });

  it('without saying so: holds names another key, or none', async () => {
    const none = await failing('cat > $F/key', { timeout: 1_000 });
    expect(none).toMatchObject({ kind: 'services', code: 'not-held' });
    expect(none.message).toContain('its holds finds no key there');
    place.put('kid', two.thumbprint);
    const other = await failing('cat > $F/key', { timeout: 1_000 });
    expect(other.message).toContain('its holds finds another key there');
  });

  it('is waited for where the place shows it a moment later', async () => {
    const late = `cat > $F/key; (sleep 0.5; printf %s "$JWTROT_KID" > $F/kid) > /dev/null 2>&1 &`;
    const port = place.port(place.outlet(late));
    expect(await write(port, first, { privateKey: keyFrom(one).ask })).toEqual(WRITTEN);
  });

  it('by hanging is ended with its children at its time limit; the others are written', async () => {
    const path = place.path('jwks.json');
    const hanging = place.outlet('cat > /dev/null; sleep 300 & echo $! > $F/child; wait', SAYS, { timeout: 500 });
    const port = place.port(hanging, { publish: [toFile(path)] });
    const { problems, publish, deliver } = await tryToWrite(port, first, { privateKey: keyFrom(one).ask });
    expect({ publish, deliver }).toEqual({ publish: true, deliver: false });
    expect(problems).toMatchObject([{ outlet: 'deliver command sh', code: 'outlet-command-failed' }]);
    expect(problems[0]?.message).toContain('not done within 500ms');
    const child = Number(place.read('child'));
    await expect.poll(() => isRunning(child), { timeout: 20_000 }).toBe(false);
  });

  it('does not read its input: that alone is no failure', async () => {
    const port = place.port(place.outlet('printf %s "$JWTROT_KID" > $F/kid'));
    expect(await write(port, first, { privateKey: keyFrom(one).ask })).toEqual(WRITTEN);
  });
});

function isRunning(pid: number): boolean {
  try {
    return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
  } catch {
    return false;
  }
}

describe('a deliver command whose run was killed', () => {
  it('is given the key again, and once more when the killed one may have ended last', async () => {
    let now = 1_000_000;
    const clock = { ...realClock, now: () => now };
    const port = place.port(place.outlet(), { clock });
    await write(port, first, { privateKey: keyFrom(one).ask });
    const path = place.record();
    const left = readFileSync(path, 'utf8').replace('"settled":true,"until":null', '"settled":false,"until":1009000');
    writeFileSync(path, left);
    expect(await port.observe(2_000)).toMatchObject([{ intact: false, busyUntil: 1_009_000 }]);
    expect(await write(port, first, { privateKey: keyFrom(one).ask })).toEqual(WRITTEN);
    expect(await port.observe(2_000)).toMatchObject([{ intact: true, busyUntil: 1_009_000 }]);
    now = 1_009_000;
    expect(await port.observe(2_000)).toMatchObject([{ intact: false }]);
    expect(await write(port, first, { privateKey: keyFrom(one).ask })).toEqual(WRITTEN);
    now += 10 ** 9;
    const [holding] = await port.observe(2_000);
    expect(holding).toMatchObject({ intact: true });
    expect(holding).not.toHaveProperty('busyUntil');
  });

  it('and whose record is damaged, too', async () => {
    const port = place.port(place.outlet());
    await write(port, first, { privateKey: keyFrom(one).ask });
    const path = place.record();
    writeFileSync(path, '{"schema":1,"ki');
    expect(await port.observe(2_000)).toMatchObject([{ intact: false }]);
    expect(await write(port, first, { privateKey: keyFrom(one).ask })).toEqual(WRITTEN);
    rmSync(path);
    // Another host, or this one before it lost its state, has put it there: holds is believed.
    expect(await write(port, first, { privateKey: noKey })).toEqual(UNTOUCHED);
  });
});

describe('holds', () => {
  const BAD = [
    ['fails', 'echo trouble >&2; exit 7', 'exit 7'],
    ['is no program', '', 'no such program'],
    ['hangs', 'exec sleep 300', 'not done within'],
    ['prints several lines', 'echo one; echo two', 'it prints more than a kid'],
    ['prints without end', 'yes', 'not done within'],
    ['prints megabytes', 'head -c 5000000 /dev/zero | tr "\\0" x', 'it prints more than a kid'],
    ['prints what is no text', 'printf "\\377\\0\\1"', 'it prints more than a kid'],
  ] as const;

  it.each(BAD)(
    'that %s leaves the outlet unknown, in time: it is not written, and is no fit place for a switch',
    async (what, script, reason) => {
      const outlet = place.outlet();
      await write(place.port(outlet), first, { privateKey: keyFrom(one).ask });
      const holds =
        what === 'is no program' ? { argv: ['/no-such/program'] as [string], env: [] } : place.script(script);
      const port = place.port({ ...outlet, holds, timeout: 700 });
      const began = performance.now();
      const [holding] = await port.observe(2_000);
      expect(holding).toMatchObject({ keys: [], intact: false, problem: expect.stringContaining(reason) });
      expect(performance.now() - began).toBeLessThan(8_000);
      expect(await refusal(write(port, switched))).toMatchObject({ kind: 'services', code: 'holds-failed' });
      expect(await port.undeliverable(10_000)).toMatchObject([{ outlet: 'deliver command sh', code: 'holds-failed' }]);
      expect(place.read('runs')).toBe('run\n');
    },
  );

  it('that fails keeps no key from signers in an incident: it is delivered, and said not to be seen', async () => {
    const outlet = place.outlet(TAKES, `test -e $F/mended || exit 7; ${SAYS}`);
    const incident = { ...switched, isIncident: true };
    const port = place.port(outlet, { records: recordsInMemory(remembering(3)) });
    const { problems } = await tryToWrite(port, incident, { privateKey: keyFrom(two).ask });
    expect(problems).toMatchObject([{ code: 'holds-failed', kind: 'services' }]);
    expect(place.read('kid')).toBe(two.thumbprint);
    place.put('mended', '');
    expect(await write(port, incident, { privateKey: keyFrom(two).ask })).toEqual(WRITTEN);
  });

  it('that hangs is asked once where somebody waits, and again where there is time', async () => {
    const port = place.port(place.outlet(TAKES, 'echo asked >> $F/asked; sleep 300', { timeout: 3_000 }));
    for (const look of [() => port.observe(2_000), () => port.keys(2_000)]) await look();
    expect(await port.undeliverable(2_000)).toMatchObject([
      { code: 'holds-failed', reason: expect.stringContaining('not asked again') },
    ]);
    const { problems } = await tryToWrite(port, { ...first, isIncident: true }, { privateKey: keyFrom(one).ask });
    expect(problems).toMatchObject([{ code: 'holds-failed' }]);
    expect(place.read('asked')).toBe('asked\n');
    await port.observe(10_000);
    expect(place.read('asked')).toBe('asked\nasked\n');
  });

  it('that answers makes the outlet fit; a program that is not there does not', async () => {
    expect(await place.port(place.outlet()).undeliverable(10_000)).toEqual([]);
    const missing = place.outlet(TAKES, SAYS, { command: { argv: ['/no-such/put'], env: [] } });
    const [unfit] = await place.port(missing).undeliverable(10_000);
    expect(unfit).toMatchObject({ outlet: 'deliver command put', code: 'not-deliverable' });
    expect(unfit?.reason).toContain('there is no program "/no-such/put"');
    expect(existsSync(place.path('runs'))).toBe(false);
  });
});
