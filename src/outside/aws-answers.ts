import { type AwsSettings, limitsOf, within } from './aws.js';

/** Bytes. The largest real answer is a page of ListSecrets: 100 secrets with 50 tags each. A secret has 64 KiB. */
const LARGEST_ANSWER = 16 * 1024 * 1024;

/** The answer is not from AWS, or AWS is broken. The call may have taken effect. */
class AnswerTooLargeError extends Error {
  override readonly name = 'AnswerTooLarge';
}

interface Options {
  readonly abortSignal?: unknown;
}

/** The part of the SDK's request handler that is used here. */
interface RequestHandler<Request, Answer extends { readonly response: { body?: unknown } }> {
  handle(request: Request, options?: Options): Promise<Answer>;
}

/**
 * Makes each request of an AWS client deliver its whole answer in time, or abort. The SDK's own time limit ends when an
 * answer begins, and it doesn't limit the size. The SDK uses the same handler to get credentials from STS.
 */
export function boundAnswers<Request, Answer extends { readonly response: { body?: unknown } }>(
  handler: RequestHandler<Request, Answer>,
  settings: AwsSettings,
): void {
  const { request: limit } = limitsOf(settings);
  const handle = handler.handle.bind(handler);
  handler.handle = (request, options = {}) => {
    const givenUp = options.abortSignal instanceof AbortSignal ? options.abortSignal : undefined;
    return within(
      settings.clock,
      limit,
      async (abortSignal) => {
        const answer = await handle(request, { ...options, abortSignal });
        answer.response.body = await wholeOf(answer.response.body);
        return answer;
      },
      givenUp,
    );
  };
}

/** Reads a stream to its end; the SDK accepts bytes in its place. */
async function wholeOf(body: unknown): Promise<unknown> {
  if (typeof body !== 'object' || body === null || !(Symbol.asyncIterator in body)) return body;
  const chunks: Uint8Array[] = [];
  let size = 0;
  // Throwing out of the loop destroys the stream and its socket.
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    size += chunk.length;
    if (size > LARGEST_ANSWER) throw new AnswerTooLargeError(`it has more than ${LARGEST_ANSWER / 1024 / 1024} MiB`);
    chunks.push(chunk);
  }
  // Not from Node's buffer pool: it may be KMS's answer to Decrypt, which holds a secret.
  const whole = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}
