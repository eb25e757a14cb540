import type { AwsError } from '../aws-json.ts'

/** Error code of an entry of a batch by its index within the request, or undefined to carry the entry out. */
export type FailEntry = (index: number) => string | undefined

/** What happens to one request. */
export type Fault =
  /** The service's error; nothing is carried out. For the services of AWS alone, COPY of Redshift included. */
  | { readonly kind: 'error'; readonly error: AwsError }
  /** Any answer at all; nothing is carried out. */
  | {
      readonly kind: 'answer'
      readonly status: number
      readonly headers?: Readonly<Record<string, string>>
      /** Text goes out as it is, everything else as JSON. */
      readonly body: unknown
    }
  /** The request is carried out, then the connection is cut: the caller cannot know. */
  | { readonly kind: 'loseAnswer' }
  /** The connection is cut; nothing is carried out. */
  | { readonly kind: 'reset' }
  /** Entries of PutRecords, PutRecordBatch, SendMessageBatch and the like, BatchWriteItem and `_bulk` fail alone. */
  | { readonly kind: 'failEntries'; readonly failEntry: FailEntry }
  /** The request is carried out; its answer has status 200 and no body, or tells of one entry less than it had. */
  | { readonly kind: 'damageAnswer'; readonly how: 'empty' | 'short' }

/** A fault of a receiver, which has no errors of AWS. */
export type ReceiverFault = Exclude<Fault, { kind: 'error' }>

/** A fault of a COPY of Redshift; the type of its error is a code of Firehose's without `Redshift.`, such as `DiskFull`. */
export type CopyFault = Extract<Fault, { kind: 'error' | 'loseAnswer' | 'reset' }>

/** Decides about a request of a service of AWS; may be slow on purpose. S3 has `Bucket` and `Key` for its input. */
export type LocalFault = (
  operation: string,
  input: Readonly<Record<string, unknown>>
) => Fault | undefined | Promise<Fault | undefined>

/** Asks what the caller has given, and what is scripted when that has nothing to say. Without it nothing is waited for. */
export function givenFirst<Asked extends readonly unknown[], Found extends Fault>(
  given: ((...asked: Asked) => Found | undefined | Promise<Found | undefined>) | undefined,
  scripted: (...asked: Asked) => Found | undefined | Promise<Found | undefined>
): (...asked: Asked) => Found | undefined | Promise<Found | undefined> {
  if (given === undefined) return scripted
  return async (...asked) => (await given(...asked)) ?? scripted(...asked)
}

/** Lists of an answer that have a place for each entry of the request. */
const entryLists = ['Records', 'RequestResponses', 'Successful', 'Failed', 'items']

/** The answer to a batch without its last entry. */
export function shortened(output: object): object {
  const members = output as Readonly<Record<string, unknown>>
  const list = entryLists.find(name => Array.isArray(members[name]))
  return list === undefined
    ? output
    : { ...output, [list]: (members[list] as readonly unknown[]).slice(0, -1) }
}

export function failEntryOf(fault: Fault | undefined): FailEntry | undefined {
  return fault?.kind === 'failEntries' ? fault.failEntry : undefined
}
