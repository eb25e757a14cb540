import type { DestinationSummary } from '../pipeline/index.ts'
import type { DestinationOutcome, JobResult } from './types.ts'
import { bytes, count, rate, recordsPerSecond } from './view.ts'

export interface SummaryContext {
  /** Folder or bucket that holds what was delivered. */
  readonly output: string
  /** Commands worth trying next. */
  readonly next: readonly string[]
}

/** Every store that a record lies in before the destinations, where it is sealed. */
const scannedStores = ['Kinesis', 'DynamoDB', 'SQS'] as const

/** The one line that `--json` prints last. */
export function jsonSummary(result: JobResult, output: string): string {
  const { ledger } = result
  return JSON.stringify({
    accepted: ledger.accepted,
    delivered: ledger.delivered,
    duplicates: ledger.duplicates,
    deadLettered: ledger.deadLettered,
    handedBack: ledger.handedBack,
    inFlight: ledger.inFlight,
    lost: ledger.lost,
    refused: result.refused,
    plaintextFoundAtRest: result.plaintextFoundAtRest,
    bytesIn: result.bytesIn,
    bytesSealed: result.bytesSealed,
    kinesisRecords: result.kinesisRecords,
    kmsCalls: result.kmsCalls,
    elapsedMs: result.elapsedMs,
    flowMs: result.flowMs,
    recordsPerSecond: recordsPerSecond(result),
    peakResidentBytes: result.peakResidentBytes,
    takenOver: result.takeover?.leases.length ?? 0,
    destinations: result.destinations,
    destinationDuplicates: Object.fromEntries(
      Object.entries(ledger.destinations).map(([name, { duplicates }]) => [name, duplicates])
    ),
    scannedStores: result.plaintextFoundAtRest === null ? [] : scannedStores,
    output
  })
}

/** The summary for a person. */
export function textSummary(result: JobResult, context: SummaryContext): string {
  const { ledger, takeover, sample } = result
  const lines = [
    '',
    'Ledger',
    `  accepted       ${count(ledger.accepted)}`,
    `  delivered      ${count(ledger.delivered)}`,
    `  dead-lettered  ${count(ledger.deadLettered)}`,
    `  handed back    ${count(ledger.handedBack)}`,
    `  in flight      ${count(ledger.inFlight)}`,
    `  lost           ${count(ledger.lost)}`,
    `  duplicates     ${count(ledger.duplicates)} (delivery is at least once; they are counted apart)`
  ]
  if (result.refused > 0)
    lines.push(`  refused        ${count(result.refused)} (never accepted; named above)`)
  lines.push('', 'Destinations', ...destinationLines(result))
  lines.push(
    '',
    `Kinesis      ${count(result.kinesisRecords)} records, ${bytes(result.bytesSealed)} stored for ${bytes(result.bytesIn)} put, ${count(result.kmsCalls)} KMS calls`,
    `At rest      ${plaintextLine(result.plaintextFoundAtRest)}`,
    `Delivered    ${count(result.objects)} objects in ${context.output}`,
    `Time         ${seconds(result.elapsedMs)} in all, ${seconds(result.flowMs)} from the first put to the last delivery: ${rate(result)}`,
    `Memory       at most ${bytes(result.peakResidentBytes)} resident in any process`
  )
  if (takeover !== undefined) {
    lines.push('', `Takeover     ${takeover.victim} was killed in the middle`)
    for (const lease of takeover.leases) {
      lines.push(`             ${lease.by} took ${lease.leaseKey} ${seconds(lease.afterMs)} later`)
    }
  }
  if (sample !== undefined) {
    lines.push(
      '',
      'One record',
      `  as Kinesis stores it   ${sample.shardId}, partition key ${sample.partitionKey}, ${bytes(sample.stored.length)}:`,
      ...hexLines(sample.stored, 3),
      `  as it is read back     ${sample.objectKey}:`,
      `    ${sample.delivered.toString('utf8').slice(0, 200)}`
    )
  }
  if (context.next.length > 0) lines.push('', 'Next', ...context.next.map(command => `  ${command}`))
  return `${lines.join('\n')}\n`
}

function destinationLines({ destinations, ledger }: JobResult): string[] {
  const names = Object.keys(destinations)
  const width = Math.max(14, ...names.map(({ length }) => length))
  return names.map(
    name => `  ${name.padEnd(width)} ${destinationText(destinations[name]!, ledger.destinations[name])}`
  )
}

function destinationText(outcome: DestinationOutcome, summary: DestinationSummary | undefined): string {
  if (typeof outcome !== 'number') {
    return 'unavailable' in outcome
      ? `left out: ${outcome.unavailable}`
      : `${count(outcome.acknowledged)} acknowledged (what it holds cannot be read from here)`
  }
  const { duplicates = 0, foreign = 0 } = summary ?? {}
  return [
    `${count(outcome)} records, each with the content that was put`,
    ...(duplicates > 0 ? [`${count(duplicates)} duplicates`] : []),
    ...(foreign > 0 ? [`${count(foreign)} that were not put`] : [])
  ].join(', ')
}

function plaintextLine(found: number | null): string {
  if (found === null) return 'not scanned: only the embedded engines can be looked into'
  const stores = 'what the Kinesis, DynamoDB and SQS engines hold, every store before the destinations'
  return found === 0
    ? `no plaintext found in ${stores}`
    : `${count(found)} pieces of plaintext FOUND in ${stores}`
}

function hexLines(data: Buffer, lines: number): string[] {
  return Array.from({ length: lines }, (_, line) => data.subarray(line * 32, line * 32 + 32))
    .filter(part => part.length > 0)
    .map(
      (part, line) =>
        `    ${part.toString('hex').replace(/(.{8})(?=.)/g, '$1 ')}${line === lines - 1 ? ' …' : ''}`
    )
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`
}
