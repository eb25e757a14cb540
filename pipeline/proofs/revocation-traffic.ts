import { randomUUID } from 'node:crypto'
import { DeleteTableCommand, DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb'
import { Worker } from '../../consumer/index.ts'
import { type Clock, systemClock } from '../../core/clock.ts'
import { callService } from '../../core/service-errors.ts'
import type { Producer } from '../../producer/index.ts'
import { createPipeline, type Pipeline } from '../create-pipeline.ts'
import { clientConfigOf } from '../engine.ts'
import { definePipeline } from '../plan.ts'
import { sealingContextOf } from '../sealing-context.ts'
import { type EvidenceValue, keyringOf, mayMakeResources, type ProofSubject } from './proof.ts'

/** So that what is put while the key is away can still be sealed. In milliseconds; the longest that there is. */
const sealingMaxAgeMs = 3_600_000
/** Records from a moment earlier come as well, should the clocks differ; they are not ours and count for nothing. */
const clockSkewMs = 1_000
/** All of them lie in one shard, hence in order. */
const partitionKey = 'proof'

/**
 * Records of a producer that has its data key already, and a worker on the plan's stream that reads them: with a lease
 * table of its own, so that no other worker notices, and with dead letters that are counted and not kept.
 */
export class RevocationTraffic {
  readonly #clock: Clock
  readonly #pipeline: Pipeline
  readonly #producer: Producer
  readonly #tableName: string
  readonly #dynamodb: DynamoDBClient
  readonly #worker: Worker
  readonly #stop = new AbortController()
  #running: Promise<void> | undefined
  /** In the order of the puts: id and sequence number. */
  readonly #sent: { readonly id: string; readonly sequenceNumber: bigint }[] = []
  readonly #handedOn = new Set<string>()
  readonly #deadLetters: bigint[] = []
  #shardId = ''
  #refusals = 0
  #lastHandedOnMs = Number.NEGATIVE_INFINITY
  #duplicates = 0
  #serviceCode: string | undefined

  private constructor(subject: ProofSubject, pipeline: Pipeline, cacheMaxAgeMs: number) {
    const { engine, clock = systemClock } = subject
    const { plan } = pipeline
    this.#clock = clock
    this.#pipeline = pipeline
    this.#producer = pipeline.createProducer({ maxBufferedMs: 0 })
    this.#tableName = `${plan.consumer.applicationName}-proof-${randomUUID().slice(0, 8)}`
    this.#dynamodb = new DynamoDBClient(clientConfigOf(engine, 'dynamodb'))
    this.#worker = new Worker({
      applicationName: this.#tableName,
      streamName: plan.stream.name,
      initialPosition: { timestamp: new Date(clock.wallTime() - clockSkewMs) },
      idleTimeBetweenReadsMs: 200,
      createTable: true,
      kinesis: { clientConfig: clientConfigOf(engine, 'kinesis') },
      dynamodb: { client: this.#dynamodb },
      open: {
        keyring: keyringOf(subject, plan, { maxAgeMs: cacheMaxAgeMs }),
        context: sealingContextOf(plan)
      },
      deadLetters: {
        put: async ({ shardId, sequenceNumber }) => {
          if (shardId === this.#shardId) this.#deadLetters.push(BigInt(sequenceNumber))
        }
      },
      eachBatch: batch => {
        for (const { data } of batch) this.#take(Buffer.from(data).toString('utf8'))
      },
      onEvent: event => {
        if (event.type !== 'keyUnavailable') return
        this.#refusals += 1
        this.#serviceCode ??= event.serviceCode
      },
      clock
    })
  }

  static async start(subject: ProofSubject, cacheMaxAgeMs: number): Promise<RevocationTraffic> {
    const { plan, engine, clock = systemClock, signal } = subject
    const keyring = keyringOf(subject, definePipeline(plan), { maxAgeMs: sealingMaxAgeMs })
    const pipeline = createPipeline(plan, { engine, clock, keyring })
    try {
      if (mayMakeResources(subject)) await pipeline.provision(signal)
    } catch (error) {
      pipeline.close()
      throw error
    }
    const traffic = new RevocationTraffic(subject, pipeline, cacheMaxAgeMs)
    traffic.#running = traffic.#worker.run({ signal: traffic.#stop.signal })
    // Looked at in `close`; until then it is no unhandled rejection.
    traffic.#running.catch(() => {})
    return traffic
  }

  /** Records that were put and acknowledged. */
  get sent(): number {
    return this.#sent.length
  }

  /** Of them, those that the worker has opened and handed on. */
  get handedOn(): number {
    return this.handedOnFrom(0)
  }

  /** Of those that were put from this one on, by the order of the puts. */
  handedOnFrom(first: number): number {
    return this.#sent.slice(first).filter(({ id }) => this.#handedOn.has(id)).length
  }

  /** By the clock's `now()`. */
  get lastHandedOnMs(): number {
    return this.#lastHandedOnMs
  }

  /** How often the worker has begun to hold for want of the key. */
  get refusals(): number {
    return this.#refusals
  }

  /** Calls of the worker to the key service. */
  get keyCalls(): number {
    return this.#worker.stats.keys.serviceCalls
  }

  get counts(): Readonly<Record<'sent' | 'handedOn' | 'duplicates' | 'deadLettered', number>> {
    const first = this.#sent[0]?.sequenceNumber
    return {
      sent: this.sent,
      handedOn: this.handedOn,
      duplicates: this.#duplicates,
      deadLettered: this.#deadLetters.filter(at => first !== undefined && at >= first).length
    }
  }

  get evidence(): Readonly<Record<string, EvidenceValue>> {
    return {
      stream: this.#pipeline.plan.stream.name,
      shardId: this.#shardId,
      leaseTable: this.#tableName,
      firstSequenceNumber: String(this.#sent[0]?.sequenceNumber ?? ''),
      lastSequenceNumber: String(this.#sent.at(-1)?.sequenceNumber ?? ''),
      serviceCode: this.#serviceCode ?? null
    }
  }

  async put(): Promise<void> {
    const id = randomUUID()
    const data = Buffer.from(JSON.stringify({ proof: id }))
    const { shardId, sequenceNumber } = await this.#producer.put({ partitionKey, data })
    this.#shardId = shardId
    this.#sent.push({ id, sequenceNumber: BigInt(sequenceNumber) })
  }

  /** As another worker would find it; undefined for one of the words that stand for a place in no record. */
  async checkpoint(): Promise<bigint | undefined> {
    const { Item } = await callService('dynamodb', 'GetItem', () =>
      this.#dynamodb.send(
        new GetItemCommand({
          TableName: this.#tableName,
          Key: { leaseKey: { S: this.#shardId } },
          ConsistentRead: true
        })
      )
    )
    const checkpoint = Item?.checkpoint?.S ?? ''
    return /^\d+$/.test(checkpoint) ? BigInt(checkpoint) : undefined
  }

  /** Whether a checkpoint passes a record that was not handed on. */
  isBeyondHandedOn(checkpoint: bigint | undefined): boolean {
    const first = this.#sent.find(({ id }) => !this.#handedOn.has(id))
    return checkpoint !== undefined && first !== undefined && checkpoint >= first.sequenceNumber
  }

  /** The table goes in any case. Rejects with what ended the worker or the producer, if anything but this did. */
  async close(): Promise<void> {
    this.#stop.abort()
    const ends = await Promise.allSettled([this.#producer.close(), this.#running])
    // Not before the worker has ended: it would still write to it.
    ends.push(...(await Promise.allSettled([this.#deleteTable()])))
    this.#dynamodb.destroy()
    this.#pipeline.close()
    for (const end of ends) if (end.status === 'rejected') throw end.reason
  }

  async #deleteTable(): Promise<void> {
    await callService('dynamodb', 'DeleteTable', () =>
      this.#dynamodb.send(new DeleteTableCommand({ TableName: this.#tableName }))
    )
  }

  #take(text: string): void {
    const id = idOf(text)
    if (id === undefined) return
    if (this.#handedOn.has(id)) this.#duplicates += 1
    this.#lastHandedOnMs = this.#clock.now()
    this.#handedOn.add(id)
  }
}

/** Undefined for a record that is somebody else's. */
function idOf(text: string): string | undefined {
  try {
    return (JSON.parse(text) as { proof?: string } | null)?.proof
  } catch {
    return undefined
  }
}
