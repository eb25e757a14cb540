import type { SearchSettings } from '../settings.ts'
import type {
  Attempt,
  AttemptContext,
  BufferedRecord,
  Destination,
  DestinationBackup,
  RecordOutcome
} from './destination.ts'
import { type HttpAnswer, type HttpSend, HttpSendError } from './http-send.ts'
import { rotatedIndex } from './index-rotation.ts'

export interface SearchDestinationOptions {
  readonly settings: SearchSettings
  readonly backup: DestinationBackup
  readonly send: HttpSend
}

const newline = Buffer.from('\n')

/** Between two attempts, as the developer guide has it. */
const retryDelayMs = 300_000

/** Other attempts would meet the same: a document that does not fit, an index that is not made, a request too large. */
const finalStatuses = [400, 404, 413]

/**
 * An index of Elasticsearch or OpenSearch: one `_bulk` request for a batch, one document for a record. Only what
 * failed is sent again, under the same ids.
 */
export class SearchDestination implements Destination {
  readonly #options: SearchDestinationOptions
  readonly framingBytes = 0

  constructor(options: SearchDestinationOptions) {
    this.#options = options
  }

  get bufferSizeMiB(): number {
    return this.#options.settings.bufferSizeMiB
  }

  get bufferIntervalSeconds(): number {
    return this.#options.settings.bufferIntervalSeconds
  }

  get retryDurationMs(): number {
    return this.#options.settings.retrySeconds * 1000
  }

  get backup(): DestinationBackup {
    return this.#options.backup
  }

  retryDelayMs(): number {
    return retryDelayMs
  }

  async deliver(records: readonly BufferedRecord[], { signal }: AttemptContext): Promise<Attempt> {
    const documents = records.map(({ data }) => singleLine(data))
    // A line break would turn the rest of a record into an action of its own.
    const sent = records.filter((_, index) => documents[index] !== undefined)
    const results = sent.length === 0 ? [] : await this.#bulk(sent, signal)
    let next = 0
    return {
      outcomes: records.map((record, index) =>
        documents[index] === undefined
          ? this.#failed(record, 400, 'the record is not a JSON document on a single line')
          : this.#outcome(record, results[next++]!)
      )
    }
  }

  async #bulk(records: readonly BufferedRecord[], signal: AbortSignal): Promise<readonly ItemResult[]> {
    const { endpoint, typeName, usesDocumentIds } = this.#options.settings
    const lines = records.flatMap(record => {
      const action = {
        _index: this.#index(record),
        ...(usesDocumentIds ? { _id: record.id } : {}),
        ...(typeName === '' ? {} : { _type: typeName })
      }
      return [Buffer.from(`${JSON.stringify({ index: action })}\n`), singleLine(record.data)!, newline]
    })
    let answer: HttpAnswer
    try {
      answer = await this.#options.send({
        url: `${endpoint}/_bulk`,
        headers: { 'content-type': 'application/x-ndjson' },
        body: Buffer.concat(lines),
        signal
      })
    } catch (error) {
      if (!(error instanceof HttpSendError)) throw error
      return records.map(() => ({ status: 0, reason: error.message }))
    }
    return parseAnswer(answer, records.length)
  }

  #outcome(record: BufferedRecord, { status, reason }: ItemResult): RecordOutcome {
    // A conflict means that an earlier attempt has stored the document under our id.
    return (status >= 200 && status < 300) || status === 409
      ? { kind: 'delivered' }
      : this.#failed(record, status, reason)
  }

  #failed(record: BufferedRecord, status: number, reason: string): RecordOutcome {
    const { usesDocumentIds, typeName } = this.#options.settings
    return {
      kind: 'failed',
      errorCode: status === 0 ? 'ES.ServiceException' : String(status),
      errorMessage: reason,
      isFinal: finalStatuses.includes(status),
      members: {
        esDocumentId: usesDocumentIds ? record.id : null,
        esIndexName: this.#index(record),
        esTypeName: typeName
      }
    }
  }

  #index({ arrivedMs }: BufferedRecord): string {
    const { indexName, rotationPeriod } = this.#options.settings
    return rotatedIndex(indexName, rotationPeriod, arrivedMs)
  }
}

interface ItemResult {
  /** 0 when there was no answer. */
  readonly status: number
  readonly reason: string
}

/** A 200 alone says nothing: each document has a status of its own. */
function parseAnswer({ status, body }: HttpAnswer, count: number): readonly ItemResult[] {
  const all = (result: ItemResult): readonly ItemResult[] => Array.from({ length: count }, () => result)
  if (status !== 200) return all({ status, reason: `the bulk request was answered with status ${status}` })
  const items = itemsOf(body)
  if (items?.length !== count)
    return all({ status: 502, reason: 'the answer to the bulk request is not one' })
  return items.map(item => {
    const result = Object.values((item ?? {}) as Record<string, Partial<BulkItem> | null>)[0]
    const error = result?.error
    const detail = typeof error === 'string' ? error : [error?.type, error?.reason].filter(Boolean).join(': ')
    return { status: typeof result?.status === 'number' ? result.status : 502, reason: detail }
  })
}

interface BulkItem {
  readonly status: number
  readonly error: string | { readonly type?: string; readonly reason?: string }
}

function itemsOf(body: string): readonly unknown[] | undefined {
  try {
    const { items } = JSON.parse(body) as { items?: unknown }
    return Array.isArray(items) ? items : undefined
  } catch {
    return undefined
  }
}

/** The document without a line break at its end; undefined when there is one within, or nothing at all. */
function singleLine(data: Buffer): Buffer | undefined {
  let end = data.length
  while (end > 0 && (data[end - 1] === 0x0a || data[end - 1] === 0x0d)) end -= 1
  const line = data.subarray(0, end)
  return end === 0 || line.includes(0x0a) || line.includes(0x0d) ? undefined : line
}
