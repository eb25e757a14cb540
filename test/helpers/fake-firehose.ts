import type { PutRecordBatchCommandInput, PutRecordBatchCommandOutput } from '@aws-sdk/client-firehose'
import type { FirehosePort } from '../../firehose/index.ts'

type Response = NonNullable<PutRecordBatchCommandOutput['RequestResponses']>[number]

/** What the fake does to one request: throws, answers by itself, or (undefined) stores and answers as it should. */
export type Script = (
  texts: readonly string[],
  request: number
) => Error | Partial<PutRecordBatchCommandOutput> | undefined

/** A delivery stream in memory that a test scripts. It refuses requests that break the service's limits. */
export class FakeFirehose implements FirehosePort {
  readonly stored: string[] = []
  readonly requests: (readonly string[])[] = []
  script: Script = () => undefined
  /** Most requests that were under way at once. */
  mostAtOnce = 0
  #underWay = 0

  async putRecordBatch(
    input: PutRecordBatchCommandInput,
    options: { readonly signal?: AbortSignal | undefined } = {}
  ): Promise<PutRecordBatchCommandOutput> {
    const data = (input.Records ?? []).map(({ Data }) => Data!)
    const texts = data.map(bytes => Buffer.from(bytes).toString())
    this.requests.push(texts)
    this.mostAtOnce = Math.max(this.mostAtOnce, ++this.#underWay)
    try {
      await new Promise(resolve => setImmediate(resolve))
      options.signal?.throwIfAborted()
      if (data.length === 0 || data.length > 500) throw new Error('1 to 500 records')
      if (data.some(({ length }) => length > 1_024_000)) throw new Error('record over 1,000 KiB')
      if (data.reduce((bytes, { length }) => bytes + length, 0) > 4_194_304) throw new Error('over 4 MiB')
      const answer = this.script(texts, this.requests.length)
      if (answer instanceof Error) throw answer
      const responses = answer?.RequestResponses ?? texts.map((): Response => ({ RecordId: 'id' }))
      for (const [index, { RecordId }] of responses.entries()) {
        if (RecordId !== undefined) this.stored.push(texts[index]!)
      }
      return { $metadata: {}, FailedPutCount: 0, RequestResponses: responses, ...answer }
    } finally {
      this.#underWay -= 1
    }
  }
}

/** Answers in which the entries that `fails` names have the error code, and the others a RecordId. */
export function failing(
  texts: readonly string[],
  fails: (text: string, index: number) => boolean,
  errorCode = 'ServiceUnavailableException'
): Partial<PutRecordBatchCommandOutput> {
  const RequestResponses = texts.map(
    (text, index): Response =>
      fails(text, index) ? { ErrorCode: errorCode, ErrorMessage: 'Slow down.' } : { RecordId: 'id' }
  )
  return {
    FailedPutCount: RequestResponses.filter(({ ErrorCode }) => ErrorCode).length,
    RequestResponses
  }
}
