import { AwsError } from '../aws-json.ts'

/** An error whose answer has headers of its own. */
export class S3Error extends AwsError {
  readonly headers: Readonly<Record<string, string>>

  constructor(error: ConstructorParameters<typeof AwsError>, headers: Readonly<Record<string, string>>) {
    super(...error)
    this.headers = headers
  }
}
