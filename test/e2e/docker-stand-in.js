#!/usr/bin/env node
// Stands in for the docker of a swarm with one service. It keeps its state in $DOCKER_STATE, and takes what
// examples/delivery/docker-secret gives it, and nothing else.
import { readFileSync, writeFileSync } from 'node:fs';

const path = process.env.DOCKER_STATE;
const state = JSON.parse(readFileSync(path, 'utf8'));
const args = process.argv.slice(2);
const [what, does, ...rest] = args;
const refuse = (text) => {
  process.stderr.write(`Error: ${text}\n`);
  process.exit(1);
};
const options = (names) => {
  const found = { flags: [], words: [] };
  for (let at = 0; at < rest.length; at += 1) {
    if (!rest[at].startsWith('--')) found.words.push(rest[at]);
    else if (rest[at].includes('=') || names[rest[at]] === false) found.flags.push(rest[at]);
    else if (names[rest[at]] === true) found.flags.push([rest[at], rest[++at]]);
    else refuse(`unknown flag: ${rest[at]}`);
  }
  return found;
};
const optionOf = ({ flags }, name) => flags.find((flag) => flag[0] === name)?.[1];
const save = () => writeFileSync(path, JSON.stringify(state));

const verbs = {
  'secret create': () => {
    const found = options({ '--label': true });
    const [name, from] = found.words;
    if (from !== '-' || found.words.length !== 2) refuse('only standard input');
    if (!/^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}[A-Za-z0-9]$/.test(name)) refuse('invalid name');
    if (state.secrets[name] !== undefined) refuse(`secret ${name} already exists`);
    const text = readFileSync(0, 'utf8');
    if (text === '') refuse('empty');
    state.secrets[name] = { label: optionOf(found, '--label'), text };
    save();
  },
  'secret rm': () => {
    const [name] = rest;
    if (state.secrets[name] === undefined) refuse(`no such secret: ${name}`);
    if (state.service.secrets.some((one) => one.source === name)) refuse(`secret '${name}' is in use by the service`);
    delete state.secrets[name];
    save();
  },
  'secret ls': () => {
    const found = options({ '--filter': true, '--format': true });
    const [, label] = /^label=(.*)$/.exec(optionOf(found, '--filter')) ?? refuse('filter');
    if (optionOf(found, '--format') !== '{{.Name}}') refuse('template');
    const names = Object.keys(state.secrets).filter((name) => state.secrets[name].label === label);
    process.stdout.write(names.map((name) => `${name}\n`).join(''));
  },
  'service inspect': () => {
    const found = options({ '--format': true });
    if (found.words[0] !== state.service.name) refuse(`no such service: ${found.words[0]}`);
    const template = '{{range .Spec.TaskTemplate.ContainerSpec.Secrets}}{{println .SecretName}}{{end}}';
    if (optionOf(found, '--format') !== template) refuse('template');
    process.stdout.write(`${state.service.secrets.map(({ source }) => `${source}\n`).join('')}\n`);
  },
  'service update': () => {
    const found = options({ '--quiet': false, '--secret-rm': true, '--secret-add': true });
    if (found.words[0] !== state.service.name || !found.flags.includes('--detach=false')) refuse('usage');
    const gone = optionOf(found, '--secret-rm');
    const [, source, target] = /^source=([^,]+),target=([^,]+)$/.exec(optionOf(found, '--secret-add')) ?? [];
    if (state.secrets[source] === undefined) refuse(`secret not found: ${source}`);
    const kept = state.service.secrets.filter((one) => one.source !== gone);
    if (kept.some((one) => one.target === target)) refuse('two secrets with one target');
    state.service.secrets = [...kept, { source, target }];
    state.service.updates += 1;
    save();
  },
};
(verbs[`${what} ${does}`] ?? (() => refuse(`not known here: ${args.join(' ')}`)))();
