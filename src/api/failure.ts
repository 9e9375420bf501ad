/** The server answered, and not with what was asked for. */
export class Refused extends Error {
  /** `reason` is the server's word for the kind of failure, such as `NotFound`. */
  constructor(
    readonly status: number,
    readonly reason: string,
    message: string,
    readonly nextStep: string
  ) {
    super(message);
    this.name = 'Refused';
  }
}

/** Nobody answered: the server is gone, or the network between. */
export class Unreachable extends Error {
  constructor(cause: unknown) {
    super('The server does not answer.', { cause });
    this.name = 'Unreachable';
  }
}
