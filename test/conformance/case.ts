import { expect } from 'vitest'
import type { World } from './world.ts'

export type ConformanceService = 'kinesis' | 'dynamodb' | 'kms' | 's3' | 'sqs' | 'firehose'

/** Something that AWS documents and its clients rely on. Rejects where an engine behaves otherwise. */
export interface ConformanceCase {
  /** `<service>.<words>`; it stands in the table of docs/engines.md. */
  readonly id: string
  readonly title: string
  run(world: World): Promise<void>
}

export function caseOf(id: string, title: string, run: ConformanceCase['run']): ConformanceCase {
  return { id, title, run }
}

export function serviceOf({ id }: Pick<ConformanceCase, 'id'>): ConformanceService {
  return id.slice(0, id.indexOf('.')) as ConformanceService
}

/** Expects the SDK's error of that name, and gives it back. */
export async function refused(
  request: Promise<unknown>,
  ...names: readonly string[]
): Promise<Readonly<Record<string, unknown>>> {
  const outcome = await request.then(
    () => undefined,
    (error: Error) => error
  )
  // An operation that is not there refuses as well, and says nothing about the case.
  if (outcome !== undefined && isNotThere(outcome)) throw outcome
  expect(names).toContain(outcome?.name ?? 'success')
  return outcome as unknown as Readonly<Record<string, unknown>>
}

/** Whether an error says that the engine does not have the operation. */
export function isNotThere(error: unknown): boolean {
  const { name, message, $metadata } = error as {
    readonly name?: string
    readonly message?: string
    readonly $metadata?: { readonly httpStatusCode?: number }
  }
  return (
    $metadata?.httpStatusCode === 501 ||
    name === 'UnknownOperationException' ||
    name === 'NotImplemented' ||
    /not (yet )?(been )?(implemented|supported)/i.test(message ?? '')
  )
}

/** Asks until `isDone`; at most 30 s. */
export async function until<T>(ask: () => Promise<T>, isDone: (answer: T) => boolean): Promise<T> {
  const endMs = performance.now() + 30_000
  for (;;) {
    const answer = await ask()
    if (isDone(answer)) return answer
    if (performance.now() > endMs) throw new Error(`waited in vain, last answer: ${JSON.stringify(answer)}`)
    await new Promise(resolve => setTimeout(resolve, 50))
  }
}
