import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { compareSequence } from '../../consumer/checkpoint/extended-sequence-number.ts'
import type { Row } from '../../consumer/migration/rows.ts'

interface Write {
  readonly leaseKey: string
  readonly counter: number
  readonly sequenceNumber: string
  readonly subSequenceNumber: number
}

interface RequestBody {
  readonly TableName?: string
  readonly Item?: Row
  readonly Key?: Row
  readonly UpdateExpression?: string
  readonly ExpressionAttributeNames?: Readonly<Record<string, string>>
  readonly ExpressionAttributeValues?: Row
}

/** Sees every write of a checkpoint to one table that was carried out, whoever made it. */
export class CheckpointWatch {
  readonly #tableName: string
  readonly #writes: Write[] = []

  constructor(tableName: string) {
    this.#tableName = tableName
  }

  get writes(): number {
    return this.#writes.length
  }

  /** Has every write of this client seen. */
  watch<T extends DynamoDBClient>(client: T): T {
    client.middlewareStack.add(
      next => async args => {
        const answer = await next(args)
        const { body } = args.request as { readonly body: string | Uint8Array }
        this.#note(
          JSON.parse(typeof body === 'string' ? body : new TextDecoder().decode(body)) as RequestBody
        )
        return answer
      },
      { step: 'finalizeRequest', priority: 'low' }
    )
    return client
  }

  /**
   * Writes after which a lease stood before where it had stood, in words. Each write raises the counter of its row, which
   * tells in which order they were carried out.
   */
  steppedBack(): readonly string[] {
    const inOrder = [...this.#writes].sort((one, two) => one.counter - two.counter)
    const last = new Map<string, Write>()
    return inOrder.flatMap(write => {
      const before = last.get(write.leaseKey)
      last.set(write.leaseKey, write)
      if (before === undefined || compareSequence(before, write) <= 0) return []
      return [`${write.leaseKey}: from ${before.sequenceNumber} to ${write.sequenceNumber}`]
    })
  }

  #note(body: RequestBody): void {
    if (body.TableName !== this.#tableName) return
    const row = body.Item ?? { ...body.Key, ...assigned(body) }
    const { leaseKey, leaseCounter, checkpoint, checkpointSubSequenceNumber } = row
    if (leaseKey?.S === undefined || checkpoint?.S === undefined) return
    this.#writes.push({
      leaseKey: leaseKey.S,
      counter: Number(leaseCounter?.N),
      sequenceNumber: checkpoint.S,
      subSequenceNumber: Number(checkpointSubSequenceNumber?.N ?? 0)
    })
  }
}

/** What `SET a = :a, #b = :b …` sets. */
function assigned({
  UpdateExpression = '',
  ExpressionAttributeNames: names = {},
  ExpressionAttributeValues: values = {}
}: RequestBody): Row {
  const [, setting = ''] = /^SET (.*?)(?: REMOVE .*)?$/.exec(UpdateExpression) ?? []
  return Object.fromEntries(
    setting.split(', ').flatMap(assignment => {
      const [name = '', value = ''] = assignment.split(' = ')
      const found = values[value]
      return found === undefined ? [] : [[names[name] ?? name, found] as const]
    })
  )
}
