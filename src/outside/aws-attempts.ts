/** The part of the SDK's middleware handler that is used here. */
type Handler<Input extends object, Output> = (args: Input) => Promise<Output>;

/**
 * SDK middleware that counts the attempts of a call that got no answer from the service. It adds the count to the error
 * that ends the call, as `unheard`. Only if that is 0 did the failed call certainly have no effect.
 */
export function countUnheard<Input extends object, Output>(next: Handler<Input, Output>): Handler<Input, Output> {
  // The SDK builds new handlers for each call, so this counts one call.
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
