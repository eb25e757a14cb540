/** An error as an AWS service answers it: `type` is what the SDK turns into the error's name. */
export class AwsError extends Error {
  readonly type: string
  readonly status: number
  /** Further members of the error body. */
  readonly members: Readonly<Record<string, unknown>>

  constructor(type: string, message: string, status = 400, members: Readonly<Record<string, unknown>> = {}) {
    super(message)
    this.name = type
    this.type = type
    this.status = status
    this.members = members
  }
}
