/** What a handler of the SDK's middleware stack is, as far as it matters here. */
type Handler<Input extends object, Output> = (args: Input) => Promise<Output>;

/**
 * SDK middleware that sees each attempt of a call: writes into the error that ends the call how many attempts went without
 * an answer from the service (`unheard`). Only with none is it sure that the call had no effect.
 */
export function countUnheard<Input extends object, Output>(next: Handler<Input, Output>): Handler<Input, Output> {
  // The SDK builds its handlers anew for each call.
  let unheard = 0;
  return async (args) => {
    try {
      return await next(args);
    } catch (error) {
      if (typeof error !== 'object' || error === null) throw error;
      const { $fault } = error as { $fault?: unknown };
      if ($fault !== 'client') unheard += 1;
      throw Object.assign(error, { unheard });
    }
  };
}
