import type { BufferedRecord } from '../destinations/destination.ts'
import { transformId } from './transform-event.ts'

/** What became of one record in the function. */
export type TransformOutcome =
  | {
      readonly kind: 'ok'
      readonly data: Buffer
      readonly partitionKeys: Readonly<Record<string, string>> | undefined
    }
  | { readonly kind: 'dropped' }
  | { readonly kind: 'failed'; readonly errorCode: string; readonly errorMessage: string }

const failed = (code: string, errorMessage: string): TransformOutcome => ({
  kind: 'failed',
  errorCode: `Lambda.${code}`,
  errorMessage
})

const notParsed = failed(
  'JsonProcessingException',
  'There was an error parsing returned records from the Lambda function. Ensure that the returned records follow the status model.'
)

/** One outcome for each record, in their order. Records that came back under an id that was never sent are ignored. */
export function transformOutcomes(
  records: readonly BufferedRecord[],
  answer: unknown
): readonly TransformOutcome[] {
  const returned = (answer as { records?: unknown } | null | undefined)?.records
  if (!Array.isArray(returned)) return records.map(() => notParsed)
  const byId = groupById(returned)
  return records.map(record => {
    const found = byId.get(transformId(record)) ?? []
    if (found.length === 0) {
      return failed(
        'MissingRecordId',
        'One or more record Ids were not returned. Ensure that the Lambda function returns all received record Ids.'
      )
    }
    if (found.length > 1) {
      return failed(
        'DuplicatedRecordId',
        'Multiple records were returned with the same record ID. Ensure that the Lambda function returns unique record IDs for each record.'
      )
    }
    return outcomeOf(found[0]!)
  })
}

interface Returned {
  readonly recordId?: unknown
  readonly result?: unknown
  readonly data?: unknown
  readonly metadata?: { readonly partitionKeys?: unknown } | null
}

function groupById(returned: readonly unknown[]): ReadonlyMap<string, readonly Returned[]> {
  const byId = new Map<string, Returned[]>()
  for (const entry of returned) {
    const id = (entry as Returned | null | undefined)?.recordId
    if (typeof id !== 'string') continue
    const found = byId.get(id)
    if (found === undefined) byId.set(id, [entry as Returned])
    else found.push(entry as Returned)
  }
  return byId
}

function outcomeOf({ result, data, metadata }: Returned): TransformOutcome {
  switch (result) {
    case 'Ok':
      if (typeof data !== 'string') return notParsed
      return {
        kind: 'ok',
        data: Buffer.from(data, 'base64'),
        partitionKeys: partitionKeysOf(metadata?.partitionKeys)
      }
    case 'Dropped':
      return { kind: 'dropped' }
    case 'ProcessingFailed':
      return failed('ProcessingFailedStatus', 'ProcessingFailed status set for record')
    default:
      return notParsed
  }
}

/** Values that are no text count as missing. */
function partitionKeysOf(keys: unknown): Readonly<Record<string, string>> | undefined {
  if (typeof keys !== 'object' || keys === null) return undefined
  return Object.fromEntries(
    Object.entries(keys).filter((pair): pair is [string, string] => typeof pair[1] === 'string')
  )
}
