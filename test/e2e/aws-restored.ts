import {
  DescribeSecretCommand,
  GetSecretValueCommand,
  SecretsManagerClient,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager';
import { afterEach, describe, expect, it } from 'vitest';
import type { Environment } from '../../src/cli/environment.js';
import { runCli } from '../../src/cli/program.js';
import type { TextStream } from '../../src/cli/streams.js';
import { type AwsTarget, openAwsSite } from './aws-command.js';
import type { RotateDocument, Site } from './fixtures.js';
import { kidOf, publishedKids } from './look.js';

type AwsSite = Site & { prefix: string };

/** A minute in six seconds: what the command waits for, and its own time limits, pass ten times as fast. */
const PACE = 10;

function hurriedClock() {
  const began = { wall: Date.now(), monotonic: performance.now() };
  const monotonic = () => began.monotonic + PACE * (performance.now() - began.monotonic);
  return {
    now: () => began.wall + Math.floor(monotonic() - began.monotonic),
    monotonic,
    sleep: (duration: number, signal?: AbortSignal) =>
      new Promise<void>((resolve, reject) => {
        const stop = () => {
          clearTimeout(timer);
          reject(signal?.reason);
        };
        const timer = setTimeout(() => {
          signal?.removeEventListener('abort', stop);
          resolve();
        }, duration / PACE);
        signal?.addEventListener('abort', stop, { once: true });
      }),
  };
}

/** The command in this process, by that clock. */
async function runHurried({ world }: AwsSite, args: readonly string[]) {
  const written = { stdout: '', stderr: '' };
  const to = (name: keyof typeof written): TextStream => ({ write: (text) => (written[name] += text) });
  const argv = [...args, '--json', '--config', world.config];
  const env = world.env();
  Object.assign(process.env, world.defaultEnv);
  const environment = {
    ...{ argv, env, uid: process.getuid?.() ?? 0, home: world.folder, script: 'jwtrot', stdin: process.stdin },
    ...{ stdout: to('stdout'), stderr: to('stderr'), clock: hurriedClock(), signal: new AbortController().signal },
    supervisor: null,
  } as unknown as Environment;
  const began = environment.clock.monotonic();
  const code = await runCli(argv, environment);
  const took = environment.clock.monotonic() - began;
  return { code, took, document: JSON.parse(written.stdout) as RotateDocument };
}

/** AWSCURRENT is moved back to an older version of the manifest, as somebody does who "restores" a secret. */
export function restoredSecretSuite(name: string, target: () => AwsTarget): void {
  describe(`a manifest whose AWSCURRENT was moved back, on ${name}`, () => {
    let site: AwsSite;
    afterEach(() => site.world.close());

    it('never brings a retired key back, however often it is tried; each time it is read again for a minute', async () => {
      site = await openAwsSite(target());
      const client = new SecretsManagerClient({
        endpoint: target().endpoint,
        region: target().region,
        credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'not-a-secret' },
      });
      const SecretId = `${site.prefix}/api`;
      const current = async () =>
        (await client.send(new GetSecretValueCommand({ SecretId, VersionStage: 'AWSCURRENT' }))).VersionId;
      await site.world.run(['rotate']);
      await site.world.run(['rotate', '--immediate']);
      const older = await current();
      const leaked = await kidOf(site, 1);
      expect((await site.world.run(['retire', '--kid', leaked, '--yes', '--deadline', '10s'])).code).toBe(0);
      const kept = publishedKids(site);
      expect(kept).not.toContain(leaked);
      const move = {
        SecretId,
        VersionStage: 'AWSCURRENT',
        RemoveFromVersionId: await current(),
        MoveToVersionId: older,
      };
      await client.send(new UpdateSecretVersionStageCommand(move));
      for (const verb of [['rotate'], ['rotate'], ['rotate'], ['sync']]) {
        const { code, took, document } = await runHurried(site, verb);
        expect({ verb, code, error: document.error?.code }).toEqual({ verb, code: 5, error: 'other-history' });
        expect(took).toBeGreaterThan(60_000);
        expect(publishedKids(site)).toEqual(kept);
      }
      expect(await current()).toBe(older);
      const { VersionIdsToStages } = await client.send(new DescribeSecretCommand({ SecretId }));
      expect(VersionIdsToStages?.[older ?? '']).toContain('AWSCURRENT');
      client.destroy();
    }, 180_000);
  });
}
