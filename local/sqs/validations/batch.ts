import { AwsError } from '../../aws-json.ts'
import type { FailEntry } from '../../faults/fault.ts'

export type BatchEntry = Readonly<Record<string, unknown>> & { readonly Id: string }

const maxEntries = 10

/** @throws AwsError EmptyBatchRequest, TooManyEntriesInBatchRequest, InvalidBatchEntryId, BatchEntryIdsNotDistinct */
export function checkEntries(entries: unknown): readonly BatchEntry[] {
  if (!Array.isArray(entries) || entries.length === 0) {
    throw new AwsError('EmptyBatchRequest', 'There should be at least one entry in the request.')
  }
  if (entries.length > maxEntries) {
    throw new AwsError(
      'TooManyEntriesInBatchRequest',
      `Maximum number of entries per request are ${maxEntries}. You have sent ${entries.length}.`
    )
  }
  const checked = entries as readonly BatchEntry[]
  for (const { Id } of checked) {
    if (typeof Id !== 'string' || !/^[A-Za-z0-9_-]{1,80}$/.test(Id)) {
      throw new AwsError(
        'InvalidBatchEntryId',
        'A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.'
      )
    }
  }
  const ids = new Set(checked.map(({ Id }) => Id))
  if (ids.size < checked.length) {
    throw new AwsError(
      'BatchEntryIdsNotDistinct',
      'Two or more batch entries in the request have the same Id.'
    )
  }
  return checked
}

const scriptedMessages: Readonly<Record<string, string>> = {
  InternalError: 'We encountered an internal error. Please try again.',
  ServiceUnavailable: 'The request has failed due to a temporary failure of the server.',
  RequestThrottled: 'The request was denied due to request throttling.'
}

/**
 * Carries each entry out by itself: one that is refused does not hold up the others. `failEntry` fails entries by a
 * script.
 */
export function entryByEntry(
  entries: readonly BatchEntry[],
  failEntry: FailEntry | undefined,
  carryOut: (entry: BatchEntry) => object
): object {
  const Successful: object[] = []
  const Failed: object[] = []
  for (const [index, entry] of entries.entries()) {
    const code = failEntry?.(index)
    if (code !== undefined) {
      Failed.push({ Id: entry.Id, SenderFault: false, Code: code, Message: scriptedMessages[code] ?? code })
      continue
    }
    try {
      Successful.push({ Id: entry.Id, ...carryOut(entry) })
    } catch (error) {
      if (!(error instanceof AwsError)) throw error
      Failed.push({ Id: entry.Id, SenderFault: true, Code: error.type, Message: error.message })
    }
  }
  return { ...(Successful.length > 0 ? { Successful } : {}), ...(Failed.length > 0 ? { Failed } : {}) }
}
