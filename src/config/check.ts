import * as v from 'valibot';
import type { Configuration, KeysetConfiguration, StoreChoice, WrapChoice } from './configuration.js';
import { conflicts } from './conflicts.js';
import { type ParsedDocument, parseConfiguration } from './document.js';
import type { Surroundings } from './find.js';
import { localStore, localWrap } from './local.js';
import { type CompletePolicy, completePolicies } from './policies.js';
import { badConfiguration, type ConfigurationProblem, type FieldPath } from './problem.js';
import { isMap, type RawMap } from './schema/fields.js';
import { type ConfigurationFile, file } from './schema/file.js';
import { store as storeSchema, wrap as wrapSchema } from './schema/store.js';

/**
 * Checks a configuration's text and fills in its defaults.
 * @throws JwtrotError `bad-config` (exit 2) with everything that is wrong, each with its place
 */
export function checkConfiguration(text: string, source: string, surroundings: Surroundings): Configuration {
  const document = parseConfiguration(text);
  const problems = [...document.problems];
  if (!document.isReadable) throw badConfiguration(source, problems);
  const shape = v.safeParse(file, document.value);
  for (const issue of shape.issues ?? []) problems.push(shapeProblem(issue, document));
  const raw = isMap(document.value) ? document.value : {};
  const store = chosenStore(raw, surroundings);
  const wrap = chosenWrap(raw, store, document, problems);
  for (const { path, message } of conflicts(raw, { source, store, wrap })) {
    problems.push({ position: document.positionOf(path, 'value'), path, message });
  }
  const { policies, problems: impossible } = completePolicies(document);
  for (const problem of impossible) problems.push(problem);
  if (!shape.success || problems.length > 0 || store === null || wrap === null) {
    throw badConfiguration(source, problems);
  }
  return { source, store, wrap, keysets: resolveKeysets(shape.output, policies) };
}

function resolveKeysets(
  configuration: ConfigurationFile,
  policies: ReadonlyMap<string, CompletePolicy>,
): KeysetConfiguration[] {
  return Object.entries(configuration.keysets).map(([name, { publish, deliver, services: listed }]) => {
    const complete = policies.get(name);
    // Silently dropping a keyset would stop its rotation.
    if (complete === undefined) throw new Error(`keyset ${name} was found right without a policy`);
    return { name, ...complete, publish, deliver, services: listed };
  });
}

function shapeProblem(issue: v.BaseIssue<unknown>, document: ParsedDocument): ConfigurationProblem {
  const items = issue.path ?? [];
  const path: FieldPath = items.map(({ key }) => (typeof key === 'number' ? key : String(key)));
  const part = items.at(-1)?.origin === 'key' ? 'name' : 'value';
  return { position: document.positionOf(path, part), path, message: issue.message };
}

/** @returns null when `store` is invalid; the shape check reports that */
function chosenStore(raw: RawMap, surroundings: Surroundings): StoreChoice | null {
  if (raw['store'] === undefined) return localStore(surroundings);
  const { success, output } = v.safeParse(storeSchema, raw['store']);
  return success ? output : null;
}

/** A directory store has a default KEK beside it; Secrets Manager has no default. */
function chosenWrap(
  raw: RawMap,
  store: StoreChoice | null,
  document: ParsedDocument,
  problems: ConfigurationProblem[],
): WrapChoice | null {
  if (raw['wrap'] !== undefined) {
    const { success, output } = v.safeParse(wrapSchema, raw['wrap']);
    return success ? output : null;
  }
  if (store?.type === 'directory') return localWrap(store.path);
  if (store?.type === 'secrets-manager') {
    problems.push({
      position: document.positionOf(['store'], 'name'),
      path: ['wrap'],
      message: 'is missing: a secrets-manager store needs it; add wrap: { type: kms, keyId: alias/jwtrot }',
    });
  }
  return null;
}
