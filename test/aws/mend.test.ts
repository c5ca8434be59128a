import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commit, read } from '../conformance/store-commits.js';
import { firstManifest, jweWrapped, newPair, nextManifest } from '../support/manifest.js';
import { type AwsServer, startAwsServer } from './server.js';
import { newPrefix, openStore } from './target.js';

let server: AwsServer;
beforeAll(async () => {
  server = await startAwsServer();
});
afterAll(() => server.close());

function opened() {
  const prefix = newPrefix();
  return { store: openStore(server.endpoint, prefix), prefix, name: `${prefix}/api` };
}

describe('a manifest that needs mending by hand', () => {
  it('names the command that restores a secret which is scheduled for deletion', async () => {
    const { store, name } = opened();
    const first = await commit(store, firstManifest('api'), null);
    server.secrets.DeleteSecret({ SecretId: name });
    const error = {
      kind: 'store',
      code: 'secret-deleted',
      hint: `aws secretsmanager restore-secret --secret-id ${name}`,
    };
    await expect(store.readManifest('api')).rejects.toMatchObject(error);
    await expect(store.commitManifest(nextManifest(first.manifest), first)).rejects.toMatchObject(error);
    await expect(store.commitManifest(firstManifest('api'), null)).rejects.toMatchObject(error);
    server.secrets.RestoreSecret({ SecretId: name });
    expect(await read(store, 'api')).toEqual(first);
  });

  it('does not take over a secret without a value', async () => {
    const { store, name } = opened();
    server.secrets.CreateSecret({ Name: name, ClientRequestToken: randomUUID() });
    const error = {
      kind: 'store',
      code: 'secret-empty',
      hint: `aws secretsmanager delete-secret --secret-id ${name} --force-delete-without-recovery`,
    };
    await expect(store.readManifest('api')).rejects.toMatchObject(error);
    await expect(store.commitManifest(firstManifest('api'), null)).rejects.toMatchObject(error);
    server.secrets.DeleteSecret({ SecretId: name, ForceDeleteWithoutRecovery: true });
    await commit(store, firstManifest('api'), null);
  });

  it('reads a replica but says why it can not be written', async () => {
    const { store, name } = opened();
    const first = await commit(store, firstManifest('api'), null);
    server.makeReplica(name, 'us-east-1');
    expect(await read(store, 'api')).toEqual(first);
    await expect(store.commitManifest(nextManifest(first.manifest), first)).rejects.toMatchObject({
      kind: 'store',
      code: 'secret-replica',
      hint: `set AWS_REGION=us-east-1, or make it a secret of its own: aws secretsmanager stop-replication-to-replica --secret-id ${name} --region eu-central-1`,
    });
  });

  it('takes a keyset for gone when its secret vanished between read and commit', async () => {
    const { store, name } = opened();
    const first = await commit(store, firstManifest('api'), null);
    server.secrets.DeleteSecret({ SecretId: name, ForceDeleteWithoutRecovery: true });
    expect(await store.commitManifest(nextManifest(first.manifest), first)).toBeNull();
    expect(await store.readManifest('api')).toBeNull();
  });

  it('says when Secrets Manager takes no more versions', async () => {
    const { store } = opened();
    let base = await commit(store, firstManifest('api'), null);
    const fill = async () => {
      for (;;) base = await commit(store, nextManifest(base.manifest), base);
    };
    await expect(fill()).rejects.toMatchObject({ kind: 'store', code: 'aws-limit' });
    expect(base.manifest.revision).toBe(100);
    server.advance(25 * 60 * 60 * 1000);
    await commit(store, nextManifest(base.manifest), base);
  });
});

describe('keys in Secrets Manager', () => {
  it('names the command that restores a key whose deletion was ordered', async () => {
    const { store, prefix } = opened();
    const pair = await newPair();
    await store.putKey('api', pair.thumbprint, jweWrapped(pair));
    await store.deleteKey('api', pair.thumbprint, { recoveryWindowDays: 7, purge: false });
    await expect(store.putKey('api', pair.thumbprint, jweWrapped(pair))).rejects.toMatchObject({
      code: 'key-deleted',
      hint: `aws secretsmanager restore-secret --secret-id ${prefix}/api/${pair.thumbprint}/private`,
    });
  });

  it('are gone when the recovery window is over, and no earlier', async () => {
    const { store } = opened();
    const pair = await newPair();
    await store.putKey('api', pair.thumbprint, jweWrapped(pair));
    const goneAt = await store.deleteKey('api', pair.thumbprint, { recoveryWindowDays: 30, purge: false });
    server.advance(goneAt - server.now() - 10_000);
    expect(await store.isKeyGone('api', pair.thumbprint)).toBe(false);
    server.advance(20_000);
    expect(await store.isKeyGone('api', pair.thumbprint)).toBe(true);
  });

  it('are JSON that a signer can read, with what KMS needs', async () => {
    const { store, prefix } = opened();
    const pair = await newPair();
    await store.putKey('api', pair.thumbprint, jweWrapped(pair));
    const text = server.secretText(`${prefix}/api/${pair.thumbprint}/private`);
    expect(JSON.parse(text)).toEqual({ schema: 1, keyset: 'api', thumbprint: pair.thumbprint, ...jweWrapped(pair) });
  });

  it('are listed over many pages, with nothing of a neighbour’s', async () => {
    const { store, prefix } = opened();
    const neighbour = openStore(server.endpoint, `${prefix}-2`);
    await commit(neighbour, firstManifest('theirs'), null);
    const names = Array.from({ length: 230 }, (_, index) => `k${String(index).padStart(3, '0')}`);
    for (const name of names) {
      server.secrets.CreateSecret({ Name: `${prefix}/${name}`, SecretString: '{}', ClientRequestToken: randomUUID() });
    }
    expect(await store.listKeysets()).toEqual(names);
    expect(await store.holdsKeys()).toBe(false);
    const pair = await newPair();
    await store.putKey('api', pair.thumbprint, jweWrapped(pair));
    expect(await store.holdsKeys()).toBe(true);
    expect(await store.listKeysets()).toEqual(names);
  });
});
