import type { Progress } from './types.ts'

/** How a running job shows itself. */
export interface View {
  progress(progress: Progress): void
  note(line: string): void
  /** Leaves the terminal as it was. */
  end(): void
}

export interface ViewOutput {
  write(text: string): unknown
  readonly isTTY?: boolean | undefined
}

const barWidth = 28
const plainEveryMs = 1_000
const redrawEveryMs = 100

/** A live picture on a terminal, plain lines elsewhere. */
export function createView(output: ViewOutput, now: () => number): View {
  return output.isTTY ? new LiveView(output, now) : new PlainView(output, now)
}

class PlainView implements View {
  readonly #output: ViewOutput
  readonly #now: () => number
  #lastMs = Number.NEGATIVE_INFINITY
  #last = ''

  constructor(output: ViewOutput, now: () => number) {
    this.#output = output
    this.#now = now
  }

  progress(progress: Progress): void {
    const due = this.#now() - this.#lastMs >= plainEveryMs || progress.phase === 'done'
    if (!due) return
    this.#lastMs = this.#now()
    const line = summaryLine(progress)
    if (line !== this.#last) this.#output.write(`${line}\n`)
    this.#last = line
  }

  note(line: string): void {
    this.#output.write(`${line}\n`)
  }

  end(): void {}
}

class LiveView implements View {
  readonly #output: ViewOutput
  readonly #now: () => number
  #lastMs = Number.NEGATIVE_INFINITY
  #drawn = 0

  constructor(output: ViewOutput, now: () => number) {
    this.#output = output
    this.#now = now
  }

  progress(progress: Progress): void {
    if (this.#now() - this.#lastMs < redrawEveryMs && progress.phase !== 'done') return
    this.#lastMs = this.#now()
    const lines = picture(progress)
    this.#output.write(`${this.#erase()}${lines.join('\n')}\n`)
    this.#drawn = lines.length
  }

  note(line: string): void {
    this.#output.write(`${this.#erase()}${line}\n`)
    this.#drawn = 0
  }

  end(): void {
    this.#drawn = 0
  }

  #erase(): string {
    return this.#drawn === 0 ? '' : `\u001b[${this.#drawn}A\u001b[J`
  }
}

function picture(progress: Progress): string[] {
  const { ledger, workers } = progress
  const share = ledger.accepted === 0 ? 0 : ledger.delivered / ledger.accepted
  const filled = Math.round(share * barWidth)
  const bar = '█'.repeat(filled) + '░'.repeat(barWidth - filled)
  return [
    `${progress.phase.padEnd(9)} ${bar} ${count(ledger.delivered)} of ${count(ledger.accepted)} records delivered`,
    `producer  ${rate(progress)}   ${count(progress.kinesisRecords)} Kinesis records   ${bytes(progress.producerBufferedBytes)} buffered`,
    ...workers.map(
      worker =>
        `${worker.workerId.padEnd(9)} ${worker.state.padEnd(8)} ${worker.leases} shards   ${count(worker.processed)} records`
    ),
    `firehose  ${progress.firehoseBufferedBytes === undefined ? '-' : bytes(progress.firehoseBufferedBytes)} buffered   lag ${Math.round(progress.lagMs)} ms`
  ]
}

function summaryLine(progress: Progress): string {
  const { ledger } = progress
  return [
    progress.phase.padEnd(8),
    `accepted ${ledger.accepted}`,
    `delivered ${ledger.delivered}`,
    rate(progress),
    `lag ${Math.round(progress.lagMs)} ms`,
    `buffered ${bytes(progress.producerBufferedBytes)} producer, ${progress.firehoseBufferedBytes === undefined ? '-' : bytes(progress.firehoseBufferedBytes)} firehose`
  ].join('   ')
}

type Flow = Pick<Progress, 'flowMs' | 'ledger' | 'bytesIn' | 'passedOver'>

/** Delivered records over the time from the first put to the latest delivery. */
export function recordsPerSecond(flow: Flow): number {
  return Math.round((deliveredNow(flow) * 1000) / Math.max(flow.flowMs, 1))
}

/** What an interrupted run has delivered before does not count towards a rate. */
function deliveredNow({ ledger, passedOver }: Flow): number {
  return Math.max(0, ledger.delivered - passedOver)
}

export function rate(flow: Flow): string {
  const { flowMs, ledger, bytesIn, passedOver } = flow
  const accepted = ledger.accepted - passedOver
  const delivered = accepted === 0 ? 0 : (bytesIn * deliveredNow(flow)) / accepted
  return `${count(recordsPerSecond(flow))} records/s, ${(delivered / 1e3 / Math.max(flowMs, 1)).toFixed(2)} MB/s`
}

/** A count with thin groups, the same in every locale. */
export function count(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ',')
}

export function bytes(value: number): string {
  if (value < 1_000) return `${value} B`
  if (value < 1_000_000) return `${(value / 1_000).toFixed(1)} kB`
  return `${(value / 1_000_000).toFixed(2)} MB`
}
