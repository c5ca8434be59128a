/** An error as the JSON 1.1 protocol carries it. */
export class AwsFailure extends Error {
  constructor(type, message, status = 400) {
    super(message);
    this.type = type;
    this.status = status;
  }
}
