/** As much of IAM's policy language as docs/aws.md uses: anything else in a policy is an error here. */
interface Statement {
  readonly Sid?: string;
  readonly Effect: string;
  readonly Action: string | readonly string[];
  readonly Resource: string | readonly string[];
  readonly Condition?: { readonly StringEquals: Readonly<Record<string, string>> };
}

export interface Policy {
  readonly Version: string;
  readonly Statement: readonly Statement[];
}

export interface Asked {
  /** `secretsmanager:GetSecretValue`. */
  readonly action: string;
  /** An ARN. */
  readonly resource: string;
  /** Of KMS. */
  readonly context: Readonly<Record<string, string>>;
}

const CONTEXT = 'kms:EncryptionContext:';
const list = (value: string | readonly string[]): readonly string[] => (typeof value === 'string' ? [value] : value);

/** `*` is any text, slashes included, `?` one character (IAM User Guide, "Wildcards in Resource"). */
function fits(pattern: string, text: string): boolean {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`).test(text);
}

function meets({ Condition }: Statement, { context }: Asked): boolean {
  return Object.entries(Condition?.StringEquals ?? {}).every(([key, value]) => {
    if (!key.startsWith(CONTEXT)) throw new Error(`no such condition key here: ${key}`);
    return context[key.slice(CONTEXT.length)] === value;
  });
}

/** The text of a policy as JSON, checked for what this file knows. */
export function parsePolicy(text: string): Policy {
  const policy = JSON.parse(text) as Policy;
  const known = new Set(['Sid', 'Effect', 'Action', 'Resource', 'Condition']);
  for (const statement of policy.Statement) {
    const strange = Object.keys(statement).filter((member) => !known.has(member));
    const operators = Object.keys(statement.Condition ?? {}).filter((operator) => operator !== 'StringEquals');
    if (policy.Version !== '2012-10-17' || statement.Effect !== 'Allow' || strange.length + operators.length > 0) {
      throw new Error(`this test does not know what statement ${statement.Sid} means: ${[...strange, ...operators]}`);
    }
  }
  return policy;
}

/** Every action that the policy grants. */
export function actionsOf(policy: Policy): string[] {
  return [...new Set(policy.Statement.flatMap(({ Action }) => list(Action)))].sort();
}

export function allows(policy: Policy, asked: Asked): boolean {
  return policy.Statement.some(
    (statement) =>
      list(statement.Action).includes(asked.action) &&
      list(statement.Resource).some((pattern) => fits(pattern, asked.resource)) &&
      meets(statement, asked),
  );
}

/** The same without an action, as if its author had forgotten it. */
export function without(policy: Policy, action: string): Policy {
  const Statement = policy.Statement.map((one) => ({
    ...one,
    Action: list(one.Action).filter((name) => name !== action),
  }));
  return { ...policy, Statement };
}
