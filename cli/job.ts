import type { WorkerEvent } from '../consumer/index.ts'
import { systemClock } from '../core/clock.ts'
import { isSealstreamError } from '../core/errors.ts'
import { createPipeline, Ledger } from '../pipeline/index.ts'
import { Deliveries } from './deliveries.ts'
import { type InputLine, type ParsedLine, parseLine } from './input.ts'
import { NeedleStore } from './needle-store.ts'
import type { LineFate } from './run-progress.ts'
import type { DestinationOutcome, JobOptions, JobResult, Progress, Sample } from './types.ts'
import { untilAborted } from './until-aborted.ts'
import { WorkerFleet } from './worker-fleet.ts'

const pollMs = 100
/** A small buffer keeps records young, so that most of what they leave behind is collected cheaply. */
const producerBufferBytes = 8 * 1024 * 1024
/** Longest wait for the workers to share the leases before the input is read, in milliseconds. */
const shareTimeoutMs = 10_000

/** Runs the whole pipeline over one input: producer here, workers in processes of their own, the ledger over all. */
export async function runJob(options: JobOptions): Promise<JobResult> {
  const job = new Job(options)
  try {
    return await job.run()
  } finally {
    job.destroy()
  }
}

class Job {
  readonly #options: JobOptions
  readonly #pipeline: ReturnType<typeof createPipeline>
  readonly #producer: ReturnType<ReturnType<typeof createPipeline>['createProducer']>
  readonly #deliveries: Deliveries
  readonly #ledger: Ledger
  readonly #needles = new NeedleStore()
  readonly #startedMs = systemClock.now()
  #fleet: WorkerFleet | undefined
  /** Keys of all leases that any of the workers took. */
  readonly #leasesTaken = new Set<string>()
  #firstPutMs: number | undefined
  #latestDeliveryMs: number | undefined
  #phase: Progress['phase'] = 'starting'
  #refused = 0
  #passedOver = 0
  #badLine: string | undefined
  #failure: Error | undefined
  #peakResidentBytes = 0
  #kill:
    | { victim: string; atMs: number; leases: { leaseKey: string; by: string; afterMs: number }[] }
    | undefined
  #sample:
    | {
        readonly index: number
        readonly bytes: Buffer
        readonly shardId: string
        readonly sequenceNumber: string
        objectKey: string | undefined
      }
    | undefined
  #objects = 0

  constructor(options: JobOptions) {
    this.#options = options
    this.#pipeline = createPipeline(options.plan, { engine: options.engine })
    this.#deliveries = new Deliveries(this.#pipeline, options.sources)
    this.#ledger = new Ledger(this.#deliveries.destinations)
    this.#producer = this.#pipeline.createProducer({
      maxBufferedBytes: producerBufferBytes,
      onEvent: event => {
        if (event.type === 'keyUnavailable') options.onNote('the key cannot be had: the producer holds')
        if (event.type === 'keyAvailable') options.onNote('the key is back: the producer goes on')
      }
    })
  }

  async run(): Promise<JobResult> {
    const { provision, signal, local, progress } = this.#options
    if (provision) await this.#pipeline.provision(signal)
    // What earlier runs left there is not ours to count; what this one did before it was interrupted is.
    if (progress === undefined) await this.#deliveries.skipExisting()
    for (const { sequenceNumber, subSequenceNumbers } of progress?.deadLetters ?? []) {
      this.#ledger.deadLetter(sequenceNumber, subSequenceNumbers)
    }
    this.#fleet = await WorkerFleet.start({
      size: this.#options.workers,
      plan: this.#options.plan,
      engine: this.#options.engine,
      onEvent: (workerId, event) => this.#onWorkerEvent(workerId, event),
      // From the workers themselves: the queue belongs to the user, and reading it would hide what it holds.
      onDeadLetter: (sequenceNumber, subSequenceNumbers) => {
        progress?.deadLetter({ sequenceNumber, subSequenceNumbers })
        this.#ledger.deadLetter(sequenceNumber, subSequenceNumbers)
      }
    })
    if (this.#options.verbose) {
      for (const { workerId, pid } of this.#fleet.members)
        this.#options.onNote(`${workerId} runs as process ${pid}`)
    }
    await this.#untilShared()

    const feeding = new AbortController()
    const watching = this.#watch(feeding.signal)
    try {
      this.#phase = 'running'
      await this.#feed()
      this.#phase = 'draining'
      await this.#producer.close({ drainMs: this.#options.stallTimeoutMs })
    } finally {
      feeding.abort()
      await watching
    }
    await this.#settle()
    await this.#fleet.stop()
    await local?.flushFirehose()
    await this.#collect()
    this.#phase = 'done'
    this.#report()
    return this.#result()
  }

  destroy(): void {
    this.#fleet?.destroy()
    this.#pipeline.close()
  }

  /** Puts every line of the input. Returns at its end, at a bad line that ends the job, or at the signal. */
  async #feed(): Promise<void> {
    const { input, parse, onBadLine, signal, killAfterLines, progress } = this.#options
    let read = 0
    let fed = 0
    for await (const lines of untilAborted(input, signal)) {
      for (const line of lines) {
        if (signal.aborted || this.#stopped()) return
        // Lets acknowledgements, timers and signals in while the input comes from memory.
        if (++read % 256 === 0) await new Promise(resolve => setImmediate(resolve))
        const place = progress?.read(line.bytes)
        if (typeof place === 'object') {
          this.#passOver(line, place)
          continue
        }
        const decide = (fate: LineFate): void => {
          if (place !== undefined) progress?.decide(place, fate)
        }
        const parsed = parseLine(line, parse)
        if (!parsed.ok) {
          const reason = `line ${line.number} ${parsed.reason}`
          if (onBadLine === 'fail') {
            this.#badLine = reason
            return
          }
          decide(await this.#setAside(line, reason))
          continue
        }
        await this.#producer.ready({ signal }).catch(() => {})
        if (signal.aborted) return
        this.#put(line, parsed, decide)
        fed += 1
        if (fed === killAfterLines) await this.#killWorker()
      }
    }
    if (!signal.aborted) progress?.end()
  }

  /** A line whose fate was decided before the run was interrupted: counted, and not put again. */
  #passOver({ bytes }: InputLine, fate: LineFate): void {
    if (fate.kind === 'refused') {
      this.#refused += 1
      return
    }
    this.#passedOver += 1
    this.#needles.add(bytes)
    if (fate.kind === 'deadLettered') {
      this.#ledger.deadLetterInput(this.#ledger.accept(bytes))
      return
    }
    const index = this.#ledger.acceptAgain(bytes)
    this.#ledger.acknowledge(index, fate.sequenceNumber, fate.subSequenceNumber)
  }

  #put(line: InputLine, parsed: Extract<ParsedLine, { ok: true }>, decide: (fate: LineFate) => void): void {
    const { data, partitionKey } = parsed
    if (line.tooLong) {
      this.#refuse(`line ${line.number} refused: over the record limit`)
      decide({ kind: 'refused' })
      return
    }
    this.#firstPutMs ??= systemClock.now()
    const before = this.#producer.stats.accepted
    const result = this.#producer.put({ partitionKey, data })
    // `put` accepts synchronously when there is room, which was waited for.
    const index = this.#producer.stats.accepted > before ? this.#accept(data) : undefined
    result.then(
      ({ shardId, sequenceNumber, subSequenceNumber }) => {
        if (index === undefined) return
        this.#ledger.acknowledge(index, sequenceNumber, subSequenceNumber)
        decide({ kind: 'acknowledged', sequenceNumber, subSequenceNumber })
        this.#sample ??= { index, bytes: data, shardId, sequenceNumber, objectKey: undefined }
      },
      (error: unknown) => {
        if (index === undefined) {
          this.#refuse(`line ${line.number} refused: ${textOf(error)}`)
          decide({ kind: 'refused' })
        } else {
          this.#ledger.handBack(index)
          this.#failure ??= error as Error
        }
      }
    )
  }

  #refuse(note: string): void {
    this.#refused += 1
    this.#options.onNote(note)
  }

  #accept(data: Buffer): number {
    this.#needles.add(data)
    return this.#ledger.accept(data)
  }

  /** A bad line that does not end the job: passed over, or sealed and kept with the dead letters. */
  async #setAside(line: InputLine, reason: string): Promise<LineFate> {
    if (this.#options.onBadLine === 'skip') {
      this.#refuse(`${reason}: skipped`)
      return { kind: 'refused' }
    }
    const sealer = this.#pipeline.createSealer()
    try {
      const index = this.#accept(line.bytes)
      await this.#pipeline.deadLetters.put({
        streamName: 'input',
        shardId: 'line',
        sequenceNumber: String(line.number),
        subSequenceNumbers: undefined,
        partitionKey: undefined,
        // Sealed like any record: dead letters are at rest, too.
        data: sealer === undefined ? line.bytes : await sealer.seal(line.bytes),
        approximateArrivalTimestamp: undefined,
        errorCode: 'SEALSTREAM_INVALID_RECORD'
      })
      this.#ledger.deadLetterInput(index)
      this.#options.onNote(`${reason}: dead-lettered`)
      return { kind: 'deadLettered' }
    } finally {
      sealer?.close()
    }
  }

  /** Waits until the leases are shared out evenly, so that none moves while the first records are read. */
  async #untilShared(): Promise<void> {
    const fleet = this.#fleet!
    const { shards } = this.#pipeline.plan.stream
    const deadline = systemClock.now() + shareTimeoutMs
    while (systemClock.now() < deadline && !this.#options.signal.aborted && fleet.failure === undefined) {
      const held = fleet.members.map(({ stats }) => stats?.leasesHeld ?? 0)
      // More than there are leases while the victim of a steal has not noticed yet.
      const isSettled = held.reduce((sum, leases) => sum + leases, 0) === this.#leasesTaken.size
      const isEven = Math.max(...held) - Math.min(...held) <= 1
      if (this.#leasesTaken.size >= shards && isSettled && isEven) return
      this.#report()
      await systemClock.sleep(50)
    }
  }

  async #killWorker(): Promise<void> {
    const fleet = this.#fleet!
    const deadline = systemClock.now() + shareTimeoutMs
    // In the middle of work, not before it began.
    while (fleet.sum(stats => stats.processed) === 0 && systemClock.now() < deadline)
      await systemClock.sleep(10)
    const victim = fleet.kill()
    if (victim === undefined) return
    this.#kill = { victim, atMs: systemClock.now(), leases: [] }
    this.#options.onNote(`${victim} was killed (SIGKILL)`)
  }

  #onWorkerEvent(workerId: string, event: WorkerEvent): void {
    switch (event.type) {
      case 'leaseTaken':
        this.#leasesTaken.add(event.leaseKey)
        if (
          this.#kill !== undefined &&
          workerId !== this.#kill.victim &&
          event.previousOwner === this.#kill.victim
        ) {
          const afterMs = Math.round(systemClock.now() - this.#kill.atMs)
          this.#kill.leases.push({ leaseKey: event.leaseKey, by: workerId, afterMs })
          this.#options.onNote(`${workerId} took over ${event.leaseKey} after ${afterMs} ms`)
        }
        break
      case 'keyUnavailable':
        this.#options.onNote(`${workerId}: the key cannot be had, ${event.shardId} holds`)
        break
      case 'keyAvailable':
        this.#options.onNote(`${workerId}: the key is back, ${event.shardId} goes on`)
        break
      case 'recordFault':
        this.#options.onNote(
          `${workerId}: a record of ${event.shardId} cannot be opened (${event.errorCode})`
        )
        break
      default:
        break
    }
  }

  /** Follows the destinations while the input is fed. */
  async #watch(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#collect()
      this.#report()
      await systemClock.sleep(pollMs * 2, signal).catch(() => {})
    }
  }

  /** Waits until every accepted record has come to an end, or nothing moves any more. */
  async #settle(): Promise<void> {
    let movedMs = systemClock.now()
    let seen = ''
    while (!this.#ledger.settled && !this.#stopped()) {
      await this.#options.local?.flushFirehose()
      await this.#collect()
      this.#report()
      const now = `${JSON.stringify(this.#ledger.summary)}/${this.#fleet!.sum(stats => stats.processed)}`
      if (now !== seen) movedMs = systemClock.now()
      seen = now
      if (systemClock.now() - movedMs > this.#options.stallTimeoutMs) return
      if (!this.#ledger.settled) await systemClock.sleep(pollMs)
    }
  }

  async #collect(): Promise<void> {
    for await (const { destination, piece } of this.#deliveries.readNew()) {
      const isObject = this.#deliveries.destinations[destination]!.kind === 's3'
      if (isObject) this.#objects += 1
      this.#latestDeliveryMs = systemClock.now()
      for (const record of piece.records) {
        const index = this.#ledger.deliver(record, destination)
        const sample = this.#sample
        if (isObject && sample !== undefined && index === sample.index) sample.objectKey ??= piece.place
      }
    }
  }

  #stopped(): boolean {
    this.#failure ??= this.#fleet?.failure
    return this.#fleet?.failure !== undefined
  }

  #report(): void {
    this.#options.progress?.flush()
    const { stats } = this.#producer
    const members = this.#fleet?.members ?? []
    const resident = [process.memoryUsage.rss(), ...members.map(({ residentBytes }) => residentBytes)]
    this.#peakResidentBytes = Math.max(this.#peakResidentBytes, ...resident)
    this.#options.onProgress({
      phase: this.#phase,
      flowMs: this.#flowMs(),
      ledger: this.#ledger.summary,
      passedOver: this.#passedOver,
      bytesIn: stats.bytesIn,
      kinesisRecords: stats.kinesisRecords,
      lagMs: Math.max(0, ...members.map(({ stats: worker }) => worker?.millisBehindLatest ?? 0)),
      producerBufferedBytes: stats.pendingBytes,
      firehoseBufferedBytes: this.#options.local?.firehoseBufferedBytes(),
      workers: members.map(({ workerId, state, stats: worker }) => ({
        workerId,
        state,
        leases: state === 'killed' ? 0 : (worker?.leasesHeld ?? 0),
        processed: worker?.processed ?? 0
      }))
    })
  }

  #flowMs(): number {
    const [from, to] = [this.#firstPutMs, this.#latestDeliveryMs]
    return from === undefined || to === undefined ? 0 : Math.round(to - from)
  }

  async #result(): Promise<JobResult> {
    const { stats } = this.#producer
    const elapsedMs = Math.round(systemClock.now() - this.#startedMs)
    return {
      ledger: this.#ledger.summary,
      passedOver: this.#passedOver,
      refused: this.#refused,
      badLine: this.#badLine,
      plaintextFoundAtRest: await this.#scan(),
      bytesIn: stats.bytesIn,
      bytesSealed: stats.bytesSealed,
      kinesisRecords: stats.kinesisRecords,
      kmsCalls: stats.keys.serviceCalls + this.#fleet!.sum(worker => worker.keys.serviceCalls),
      elapsedMs,
      flowMs: this.#flowMs(),
      objects: this.#objects,
      destinations: this.#destinations(),
      peakResidentBytes: this.#peakResidentBytes,
      takeover:
        this.#kill === undefined ? undefined : { victim: this.#kill.victim, leases: this.#kill.leases },
      sample: await this.#readSample(),
      interrupted: this.#options.signal.aborted,
      failure: this.#failure
    }
  }

  #destinations(): JobResult['destinations'] {
    const delivered = Object.entries(this.#ledger.summary.destinations).map(
      ([name, { delivered }]) => [name, delivered] as const
    )
    const acknowledged = this.#fleet!.sum(({ processed }) => processed)
    const unseen = this.#deliveries.unseen.map(name => [name, { acknowledged }] as const)
    return Object.fromEntries<DestinationOutcome>([...delivered, ...unseen])
  }

  /** Looks for canaries and whole lines in all that the engines hold; null where nothing can be looked into. */
  async #scan(): Promise<number | null> {
    const { local, canaries } = this.#options
    if (local === undefined) return null
    const scan = this.#needles.scan(canaries())
    let found = 0
    for await (const blob of local.everythingAtRest()) found += scan(blob)
    return found
  }

  async #readSample(): Promise<Sample | undefined> {
    const sample = this.#sample
    if (sample?.objectKey === undefined) return undefined
    const stored = await this.#pipeline
      .readStored(sample.shardId, sample.sequenceNumber)
      .catch(() => undefined)
    return stored === undefined
      ? undefined
      : {
          shardId: sample.shardId,
          sequenceNumber: sample.sequenceNumber,
          partitionKey: stored.partitionKey,
          stored: Buffer.from(stored.data),
          delivered: sample.bytes,
          objectKey: sample.objectKey
        }
  }
}

function textOf(error: unknown): string {
  return isSealstreamError(error) ? error.message : 'failed'
}
