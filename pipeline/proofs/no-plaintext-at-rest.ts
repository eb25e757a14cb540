import { createHash, randomBytes, randomUUID } from 'node:crypto'
import {
  CreateStreamCommand,
  DeleteStreamCommand,
  DescribeStreamSummaryCommand,
  PutRecordCommand
} from '@aws-sdk/client-kinesis'
import { systemClock } from '../../core/clock.ts'
import { createKinesisClient } from '../../core/kinesis-client.ts'
import type { Logger } from '../../core/logger.ts'
import { callService, classifyFailure, FailureClass } from '../../core/service-errors.ts'
import { createPipeline, type Pipeline } from '../create-pipeline.ts'
import { clientConfigOf, type Engine } from '../engine.ts'
import { definePipeline } from '../plan.ts'
import { CanaryScan, canaryForms } from './canary-scan.ts'
import { type CapturedRecord, putAndCapture, sealedMessagesOf } from './captured-record.ts'
import { holdsWithin, keyringOf, mayMakeResources, type Proof, ProofId, type ProofSubject } from './proof.ts'
import { storedPieces } from './stored-pieces.ts'

export interface NoPlaintextOptions {
  /**
   * An engine for a throw-away stream that is not sealed: what the scan finds there shows that it would find it. Its
   * Kinesis is made use of, and nothing else.
   */
  readonly control: Engine
  /** All that the engines of the proof hold, where that can be looked into. */
  readonly everythingAtRest?: () => AsyncIterable<Uint8Array>
}

const canaryBytes = 24
/** Longest wait for a worker, or for a stream, in milliseconds. */
const timeoutMs = 60_000

/**
 * E2E-01: a random canary that the real producer puts can be read nowhere: not in the shard, whose record is a sealed
 * message, and not in dead letters, lease table and logs. Where resources may be made a worker of the plan runs, too, and
 * has a damaged copy to dead-letter; on AWS nothing but the one record is put, and dead letters and leases are scanned as
 * they are.
 */
export async function proveNoPlaintextAtRest(
  subject: ProofSubject,
  { control, everythingAtRest }: NoPlaintextOptions
): Promise<Proof> {
  const { plan: input, engine, clock = systemClock, signal } = subject
  const canary = Buffer.from(randomBytes(canaryBytes).toString('hex'))
  const scan = new CanaryScan(canary)
  const forms = Object.entries(canaryForms(canary))
  const missedForms = forms.filter(([, form]) => !scan.finds(form)).map(([name]) => name)
  const controlFound = scan.finds(await storedUnsealed(control, canary, subject))

  scan.enter('logs')
  const logger = loggerInto(line => scan.add('logs', line))
  const plan = definePipeline(input)
  const keyring = keyringOf(subject, plan)
  // Not for a plan with tenants, whose keyring the pipeline makes.
  const given = subject.keyringOf === undefined ? {} : { keyring }
  const pipeline = createPipeline(input, { engine, clock, logger, ...given })
  try {
    if (mayMakeResources(subject)) await pipeline.provision(signal)
    const record = await putAndCapture(pipeline, 'proof', recordOf(canary))
    scan.add('shard', record.data)
    const opener = keyring.createOpener({ streamName: plan.stream.name })
    const isSealed = sealedMessagesOf(record, opener) !== undefined
    opener.close()
    const deadLettered = mayMakeResources(subject)
      ? await deadLetterDamaged(pipeline, subject, record, isSealed, line => scan.add('logs', line))
      : undefined
    scan.enter('lease table')
    if (plan.deadLetters.kind === 'sqs') scan.enter('dead-letter queue')
    scan.enter('dead-letter bucket')
    for await (const { place, bytes } of storedPieces(plan, engine)) scan.add(place, bytes)
    for await (const bytes of everythingAtRest?.() ?? []) scan.add('all that the engines hold', bytes)

    const { places, hits } = scan
    const failure =
      hits > 0
        ? `the canary was found in ${hits} pieces`
        : isSealed
          ? undefined
          : 'the stored record is no sealed message'
    const doubt =
      missedForms.length > 0
        ? `the scan misses the form ${missedForms[0]}`
        : !controlFound
          ? 'the scan does not find the canary where nothing is sealed'
          : deadLettered === false
            ? 'the damaged copy did not become a dead letter'
            : undefined
    const sum = (member: 'pieces' | 'bytes'): number =>
      Object.values(places).reduce((total, place) => total + place[member], 0)
    return {
      id: ProofId.noPlaintextAtRest,
      result: failure !== undefined ? 'failed' : doubt !== undefined ? 'void' : 'proved',
      reason: failure ?? doubt ?? `the canary is in none of ${sum('pieces')} pieces`,
      measurements: { hits, pieces: sum('pieces'), bytes: sum('bytes') },
      evidence: {
        stream: plan.stream.name,
        shardId: record.shardId,
        sequenceNumber: record.sequenceNumber,
        storedBytes: record.data.length,
        storedSha256: sha256(record.data),
        canarySha256: sha256(canary),
        isSealed,
        deadLettered: deadLettered ?? null,
        places: Object.fromEntries(Object.entries(places).map(([name, place]) => [name, { ...place }])),
        control: {
          foundWithoutSealing: controlFound,
          formsFound: forms.length - missedForms.length,
          forms: forms.length
        }
      }
    }
  } finally {
    pipeline.close()
  }
}

/** What a stream that is not sealed stores for the canary. */
async function storedUnsealed(engine: Engine, canary: Buffer, subject: ProofSubject): Promise<Uint8Array> {
  const { clock = systemClock, signal } = subject
  const name = `proof-control-${randomUUID().slice(0, 8)}`
  const kinesis = createKinesisClient(clientConfigOf(engine, 'kinesis'))
  const pipeline = createPipeline({ name, sealing: { mode: 'off' } }, { engine, clock })
  const status = async (): Promise<string | undefined> => {
    try {
      const { StreamDescriptionSummary: found } = await kinesis.send(
        new DescribeStreamSummaryCommand({ StreamName: name })
      )
      return found?.StreamStatus
    } catch (error) {
      if (classifyFailure(error) === FailureClass.notFound) return undefined
      throw error
    }
  }
  try {
    await kinesis.send(new CreateStreamCommand({ StreamName: name, ShardCount: 1 }))
    await holdsWithin(timeoutMs, clock, async () => (await status()) === 'ACTIVE', signal)
    const { data } = await putAndCapture(pipeline, 'proof', recordOf(canary))
    await kinesis.send(new DeleteStreamCommand({ StreamName: name }))
    // It may be the engine of the proof, and must be gone before that is scanned.
    await holdsWithin(timeoutMs, clock, async () => (await status()) === undefined, signal)
    return data
  } finally {
    pipeline.close()
    kinesis.destroy()
  }
}

/**
 * Has a worker of the plan read the stream, with a copy of the record in it whose last byte is another one: a dead
 * letter. Undefined where the worker opens nothing, hence refuses nothing.
 */
async function deadLetterDamaged(
  pipeline: Pipeline,
  { engine, clock = systemClock, signal }: ProofSubject,
  { data }: CapturedRecord,
  isSealed: boolean,
  onLine: (line: Buffer) => void
): Promise<boolean | undefined> {
  const kinesis = createKinesisClient(clientConfigOf(engine, 'kinesis'))
  const letters = new Set<string>()
  const stop = new AbortController()
  const worker = pipeline.createWorker({
    workerId: `proof-${randomUUID().slice(0, 8)}`,
    onEvent: event => onLine(Buffer.from(JSON.stringify(event))),
    onDeadLetter: ({ sequenceNumber }) => letters.add(sequenceNumber)
  })
  const running = worker.run({ signal: stop.signal })
  // Looked at in the end; until then it is no unhandled rejection.
  running.catch(() => {})
  try {
    const damaged = Buffer.from(data)
    damaged[damaged.length - 1]! ^= 1
    const { SequenceNumber = '' } = await callService('kinesis', 'PutRecord', () =>
      kinesis.send(
        new PutRecordCommand({
          StreamName: pipeline.plan.stream.name,
          PartitionKey: 'proof',
          Data: damaged
        })
      )
    )
    const opens = isSealed && pipeline.plan.destinations[0]?.deliver !== 'ciphertext'
    const isDone = (): boolean => {
      if (opens) return letters.has(SequenceNumber)
      const { read, inHand } = worker.stats
      return read > 1 && inHand === 0
    }
    const isRefused = await holdsWithin(timeoutMs, clock, isDone, signal)
    return opens ? isRefused : undefined
  } finally {
    stop.abort()
    kinesis.destroy()
    await running
  }
}

/** A record as any destination takes it. */
function recordOf(canary: Buffer): Buffer {
  return Buffer.from(JSON.stringify({ proof: canary.toString('latin1') }))
}

function loggerInto(onLine: (line: Buffer) => void): Logger {
  const log = (fields: object, message?: string): void => {
    onLine(Buffer.from(`${JSON.stringify(fields)} ${message ?? ''}`))
  }
  return { debug: log, info: log, warn: log, error: log }
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
