import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { jwkSetText, type OutletContent } from '../../src/keyset/published/jwk-set.js';
import type { PublishOutlet } from '../../src/outlets/configured.js';
import { newPair } from '../support/manifest.js';
import { contentOf, diskFolder, portOf, clock as realClock, refusal, toFile, write } from './support.js';

let first: OutletContent;
let both: OutletContent;
beforeAll(async () => {
  const [one, two] = [await newPair(), await newPair()];
  first = contentOf(3, [one]);
  both = contentOf(4, [one, two]);
});

function toCommand(script: string, changes: Partial<Extract<PublishOutlet, { type: 'command' }>> = {}): PublishOutlet {
  return {
    type: 'command',
    command: { argv: ['/bin/sh', '-c', script], env: [] },
    format: 'jwks',
    timeout: 10_000,
    url: null,
    ...changes,
  };
}

describe('a command outlet', () => {
  it('gets the JWKS on its standard input, with the revision and the keyset in its environment', async () => {
    const folder = diskFolder();
    const stateDirectory = join(folder, 'state', 'outlets');
    const script = `cat > ${folder}/taken; env > ${folder}/env`;
    const port = portOf({ publish: [toCommand(script)], stateDirectory, env: { SECRET: 'x', PATH: '/evil' } });
    expect(await port.observe(2_000)).toEqual([
      { outlet: 'command sh', kind: 'publish', format: 'jwks', keys: null, intact: false },
    ]);
    expect(await write(port, first)).toEqual({ publish: true, deliver: false });
    expect(readFileSync(join(folder, 'taken'), 'utf8')).toBe(jwkSetText(first.jwks));
    const env = readFileSync(join(folder, 'env'), 'utf8').split('\n');
    expect(env).toContain('JWTROT_REVISION=3');
    expect(env).toContain('JWTROT_KEYSET=api');
    expect(env.some((line) => line.startsWith('SECRET='))).toBe(false);
    expect(statSync(stateDirectory).mode & 0o7777).toBe(0o700);
    const kid = first.jwks.keys[0]?.kid;
    expect(await port.observe(2_000)).toMatchObject([{ keys: [{ kid, thumbprint: kid }], intact: true }]);
  });

  it('is given only what it does not have yet', async () => {
    const folder = diskFolder();
    const script = `cat > /dev/null; echo run >> ${folder}/runs`;
    const port = portOf({ publish: [toCommand(script)], stateDirectory: folder });
    await write(port, first);
    expect(await write(port, { ...first, revision: 9 })).toEqual({ publish: false, deliver: false });
    expect(readFileSync(join(folder, 'runs'), 'utf8')).toBe('run\n');
    const changed = portOf({ publish: [toCommand(`${script} `)], stateDirectory: folder });
    expect(await write(changed, { ...first, revision: 9 })).toEqual({ publish: true, deliver: false });
  });

  it('has no record beside it that tells of the store: only files have', async () => {
    const folder = diskFolder();
    const path = join(folder, 'jwks.json');
    const port = portOf({
      publish: [toCommand('cat > /dev/null'), toFile(path)],
      stateDirectory: join(folder, 'state'),
    });
    await write(port, first);
    expect(await port.records(2_000)).toMatchObject([{ outlet: path, keyset: 'api', revision: 3 }]);
  });

  it('is run again where it is asked for, and no file is written for that', async () => {
    const folder = diskFolder();
    const path = join(folder, 'jwks.json');
    const script = `cat > /dev/null; echo run >> ${folder}/runs`;
    const port = portOf({ publish: [toCommand(script), toFile(path)], stateDirectory: folder });
    await write(port, first);
    const { ino } = statSync(path);
    expect(await write(port, first, { again: true })).toEqual({ publish: true, deliver: false });
    expect(readFileSync(join(folder, 'runs'), 'utf8')).toBe('run\nrun\n');
    expect(statSync(path).ino).toBe(ino);
  });

  it('that fails is known to hold what it held before at most, and is given it again', async () => {
    const folder = diskFolder();
    const script = `cat > ${folder}/taken; test ! -e ${folder}/broken || { echo "no route" >&2; exit 3; }`;
    const port = portOf({ publish: [toCommand(script)], stateDirectory: folder });
    await write(port, first);
    writeFileSync(join(folder, 'broken'), '');
    const error = await refusal(write(port, both));
    expect(error).toMatchObject({ kind: 'services', code: 'outlet-command-failed', exit: 4 });
    expect(error.message).toMatch(/command sh did not take revision 4 of keyset api: exit 3: "no route"/);
    const [held] = await port.observe(2_000);
    expect(held).toMatchObject({ keys: [{ kid: first.jwks.keys[0]?.kid }], intact: false });
    const { unlinkSync } = await import('node:fs');
    unlinkSync(join(folder, 'broken'));
    // Back to what the record says was given: it is given all the same, since the failed run may have taken the other.
    expect(await write(port, { ...first, revision: 5 })).toEqual({ publish: true, deliver: false });
    expect(readFileSync(join(folder, 'taken'), 'utf8')).toBe(jwkSetText(first.jwks));
    expect(await port.observe(2_000)).toMatchObject([{ intact: true }]);
  });

  it('that hangs is ended at its time limit, and does not hold up the others', async () => {
    const folder = diskFolder();
    const path = join(folder, 'jwks.json');
    const hanging = toCommand('exec sleep 60', { timeout: 300 });
    const port = portOf({ publish: [hanging, toFile(path)], stateDirectory: folder });
    const started = performance.now();
    const writing = refusal(write(port, first));
    for (let waited = 0; waited < 200 && !existsSync(path); waited++) await new Promise((go) => setTimeout(go, 10));
    expect(existsSync(path)).toBe(true);
    expect((await writing).message).toContain('not done within 300ms');
    expect(performance.now() - started).toBeLessThan(8_000);
  });

  it('as PEM is given the active key, and nothing while there is none', async () => {
    const folder = diskFolder();
    const port = portOf({ publish: [toCommand(`cat > ${folder}/taken`, { format: 'pem' })], stateDirectory: folder });
    expect(await write(port, { ...first, active: null })).toEqual({ publish: false, deliver: false });
    await write(port, first);
    expect(readFileSync(join(folder, 'taken'), 'utf8')).toMatch(/^-----BEGIN PUBLIC KEY-----/);
  });

  it('whose record is damaged is given what it must hold again', async () => {
    const folder = diskFolder();
    const port = portOf({ publish: [toCommand('cat > /dev/null')], stateDirectory: folder });
    await write(port, first);
    const { readdirSync } = await import('node:fs');
    const record = readdirSync(folder).find((name) => name.endsWith('.given'));
    writeFileSync(join(folder, record ?? ''), '{"schema":1,"te');
    expect(await port.observe(2_000)).toMatchObject([{ keys: [], intact: false }]);
    expect(await write(port, first)).toEqual({ publish: true, deliver: false });
    expect(await port.observe(2_000)).toMatchObject([{ intact: true }]);
  });

  it('that was begun by a run that was killed may write last: once its time is over it is given again', async () => {
    const folder = diskFolder();
    let now = 1_000_000;
    const clock = { ...realClock, now: () => now };
    const port = portOf({
      publish: [toCommand(`cat > /dev/null; echo run >> ${folder}/runs`)],
      stateDirectory: folder,
      clock,
    });
    await write(port, first);
    const record = join(folder, readdirSync(folder).find((name) => name.endsWith('.given')) ?? '');
    // As the killed run has left it.
    writeFileSync(
      record,
      readFileSync(record, 'utf8').replace('"settled":true,"until":null', '"settled":false,"until":1009000'),
    );
    expect(await port.observe(2_000)).toMatchObject([{ intact: false }]);
    expect(await write(port, first)).toEqual({ publish: true, deliver: false });
    expect(await port.observe(2_000)).toMatchObject([{ intact: true, busyUntil: 1_009_000 }]);
    now = 1_009_000;
    expect(await port.observe(2_000)).toMatchObject([{ keys: null, intact: false }]);
    expect(await write(port, first)).toEqual({ publish: true, deliver: false });
    now += 10 ** 9;
    const [holding] = await port.observe(2_000);
    expect(holding).toMatchObject({ intact: true });
    expect(holding).not.toHaveProperty('busyUntil');
    expect(readFileSync(join(folder, 'runs'), 'utf8')).toBe('run\nrun\nrun\n');
  });

  it('that failed is given again after its time, too: nobody knows what it has left under way', async () => {
    const folder = diskFolder();
    let now = 1_000_000;
    const clock = { ...realClock, now: () => now };
    const script = `cat > /dev/null; test -e ${folder}/mended || exit 3`;
    const port = portOf({ publish: [toCommand(script)], stateDirectory: folder, clock });
    await refusal(write(port, first));
    writeFileSync(join(folder, 'mended'), '');
    await write(port, first);
    expect(await port.observe(2_000)).toMatchObject([{ intact: true }]);
    now += 10_000;
    expect(await port.observe(2_000)).toMatchObject([{ keys: null, intact: false }]);
    await write(port, first);
    now += 10_000;
    expect(await port.observe(2_000)).toMatchObject([{ intact: true }]);
  });

  it('of the same name as another has a number', async () => {
    const port = portOf({ publish: [toCommand('true'), toCommand('false')], stateDirectory: diskFolder() });
    expect((await port.observe(2_000)).map(({ outlet }) => outlet)).toEqual(['command sh', 'command sh #2']);
  });

  it('is not started after an interrupt', async () => {
    const folder = diskFolder();
    const port = portOf({ publish: [toCommand(`echo run > ${folder}/runs`)], stateDirectory: folder });
    await expect(write(port, first, { signal: AbortSignal.abort(new Error('interrupted')) })).rejects.toThrow(
      'interrupted',
    );
    expect(existsSync(join(folder, 'runs'))).toBe(false);
  });
});
