// The AWS calls that the benchmark needs, without an SDK. moto ignores signatures except for their region.
export const REGION = 'eu-central-1';

/** @param {string} target such as `TrentService.Encrypt` or `secretsmanager.GetSecretValue` */
export async function callAws(endpoint, target, input) {
  const service = target.startsWith('TrentService') ? 'kms' : 'secretsmanager';
  const scope = `AKIDEXAMPLE/20260101/${REGION}/${service}/aws4_request`;
  const reply = await fetch(endpoint, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/x-amz-json-1.1',
      'X-Amz-Target': target,
      Authorization: `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host, Signature=0`,
    },
    body: JSON.stringify(input),
  });
  const text = await reply.text();
  if (!reply.ok) throw new Error(`${target}: ${reply.status} ${text.slice(0, 200)}`);
  return JSON.parse(text);
}

/** The environment for jwtrot and the AWS CLI. */
export const awsEnv = (endpoint) => ({
  AWS_ENDPOINT_URL: endpoint,
  AWS_REGION: REGION,
  AWS_DEFAULT_REGION: REGION,
  AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
  AWS_SECRET_ACCESS_KEY: 'not-a-secret',
  AWS_EC2_METADATA_DISABLED: 'true',
  AWS_PAGER: '',
});
