import { classifyFailure, FailureClass, serviceErrorName } from '../../../../core/service-errors.ts'
import { type FailedRead, unknownValue } from '../../model.ts'
import { knownListAt, textAt } from '../../readers.ts'

export type AccountService =
  | 'kinesis'
  | 'kms'
  | 's3'
  | 'sqs'
  | 'dynamodb'
  | 'firehose'
  | 'iam'
  | 'ec2'
  | 'lambda'
  | 'logs'
  | 'cloudwatch'
  | 'events'
  | 'cloudhsm'
  | 'kinesisanalytics'
  | 'iot'
  | 'rds'
  | 'redshift'
  | 'es'
  | 'glue'

/** One read of an account, as the API names it. */
export interface AccountCall {
  readonly service: AccountService
  /** Such as `DescribeStreamSummary`. */
  readonly operation: string
  readonly input: Readonly<Record<string, unknown>>
}

/** Carries out a read and gives what it answers. Rejects with the service's error. */
export type ReadAccount = (call: AccountCall) => Promise<object>

/** Where an answer has its list, where what asks for the next page, and how that is sent. */
export interface Paging {
  readonly list: string
  /** @default 'NextToken' */
  readonly next?: string
  /** @default 'NextToken' */
  readonly token?: string
}

// Ours: ten thousand alarms, or as many of anything else here, are those of no pipeline.
const maxPages = 100

/** What was answered; undefined where it says that there is nothing; `unknownValue` where it could not be read. */
export type Answered = object | undefined | typeof unknownValue

// Where the right to an operation has another name than the operation:
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
const actions: Readonly<Record<string, string>> = {
  GetBucketEncryption: 's3:GetEncryptionConfiguration',
  GetPublicAccessBlock: 's3:GetBucketPublicAccessBlock',
  GetObjectLockConfiguration: 's3:GetBucketObjectLockConfiguration',
  GetBucketReplication: 's3:GetReplicationConfiguration',
  GetBucketCors: 's3:GetBucketCORS',
  GetBucketLifecycleConfiguration: 's3:GetLifecycleConfiguration'
}

/** Reads an account, and goes on where a read is refused. */
export class AccountReader {
  readonly failedReads: FailedRead[] = []
  readonly #read: ReadAccount
  readonly #services: ReadonlySet<AccountService>

  constructor(read: ReadAccount, services: ReadonlySet<AccountService>) {
    this.#read = read
    this.#services = services
  }

  has(service: AccountService): boolean {
    return this.#services.has(service)
  }

  /**
   * @param of id of the resource that is read, or `*`
   * @param absent codes by which the service says that there is nothing
   * @throws whatever says that the service cannot be reached: there is no going on without it
   */
  async read(call: AccountCall, of: string, absent: readonly string[] = []): Promise<Answered> {
    try {
      return await this.#read(call)
    } catch (error) {
      const code = serviceErrorName(error)
      if (absent.includes(code)) return undefined
      if (classifyFailure(error) === FailureClass.unreachable) throw error
      const action = actions[call.operation] ?? `${call.service}:${call.operation}`
      this.failedReads.push({ action, resource: of, code })
      return unknownValue
    }
  }

  /** Every page of a list; `unknownValue` where one is missing, since what is not in the rest may be on that. */
  async readPages(
    call: AccountCall,
    of: string,
    { list, next = 'NextToken', token = 'NextToken' }: Paging
  ): Promise<readonly unknown[] | typeof unknownValue> {
    const found: unknown[] = []
    let input = call.input
    for (let page = 0; page < maxPages; page += 1) {
      const answer = await this.read({ ...call, input }, of)
      if (answer === unknownValue) return unknownValue
      found.push(...knownListAt(answer, list))
      const following = textAt(answer, next)
      if (following === undefined || following === '') return found
      input = { ...call.input, [token]: following }
    }
    const action = `${call.service}:${call.operation}`
    this.failedReads.push({ action, resource: of, code: 'TooManyPages' })
    return unknownValue
  }
}
