import type { FailEntry } from '../../faults/fault.ts'
import { type Answer, type Input, parseJson } from '../dynalite.ts'

/**
 * A BatchWriteItem of which scripted entries, counted over all tables, are not carried out: they come back as
 * UnprocessedItems, as from a table that was asked for too much.
 */
export async function withoutFailedEntries(
  input: Input,
  failEntry: FailEntry,
  carryOut: (left: Input) => Promise<Answer>
): Promise<Answer> {
  const tables = Object.entries((input.RequestItems ?? {}) as Readonly<Record<string, unknown>>)
  const left: Record<string, unknown> = {}
  const failed: Record<string, unknown[]> = {}
  let index = 0
  for (const [table, requests] of tables) {
    // What is no list is for the service to refuse.
    if (!Array.isArray(requests)) return carryOut(input)
    const isFailed = requests.map(() => failEntry(index++) !== undefined)
    const rest = requests.filter((_, at) => !isFailed[at])
    if (rest.length > 0) left[table] = rest
    if (rest.length < requests.length) failed[table] = requests.filter((_, at) => isFailed[at])
  }
  if (Object.keys(left).length === 0 && index > 0) return answerWith({}, failed)
  const answer = await carryOut({ ...input, RequestItems: left })
  return answer.status === 200 ? answerWith(parseJson(answer.body), failed) : answer
}

function answerWith(output: Input, failed: Readonly<Record<string, readonly unknown[]>>): Answer {
  const unprocessed = { ...(output.UnprocessedItems as object | undefined) } as Record<
    string,
    readonly unknown[]
  >
  for (const [table, requests] of Object.entries(failed)) {
    unprocessed[table] = [...(unprocessed[table] ?? []), ...requests]
  }
  return {
    status: 200,
    headers: { 'content-type': 'application/x-amz-json-1.0' },
    body: Buffer.from(JSON.stringify({ ...output, UnprocessedItems: unprocessed }))
  }
}
