import { ErrorCode, SealstreamError } from '../../core/errors.ts'

/** What a store of dead letters holds is none, or none of a layout that is known here. */
export class MalformedDeadLetterError extends SealstreamError {
  /** The member that is wrong; `body` when it is no JSON object at all. */
  readonly member: string

  constructor(member: string) {
    super(ErrorCode.malformedDeadLetter, `what is stored is no dead letter: ${member} is missing or wrong`)
    this.member = member
  }
}
