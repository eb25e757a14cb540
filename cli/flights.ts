import { hash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { createGunzip } from 'node:zlib'
import { type InputLine, readLines } from './input.ts'

const file = new URL('../../examples/flights/flights-20k.ndjson.gz', import.meta.url)
const canaryEvery = 1_000

/** Lines of the flights that come with the package. */
export const flightCount = 20_000

/** What a job reads when it is not given an input of its own. */
export interface FlightInput {
  readonly input: AsyncIterable<readonly InputLine[]>
  readonly inputName: string
  readonly format: 'ndjson'
  readonly partitionKeyField: string
  /** The canaries in the lines that were read so far: each 16 characters that must never be found at rest. */
  readonly canaries: () => readonly Buffer[]
}

/** The flights, `repeat` times, with ids of their own; every thousandth carries a canary. */
export function flightInput(repeat: number): FlightInput {
  const canaries: Buffer[] = []
  return {
    input: flightLines(repeat, canaries),
    inputName: `flights, ${repeat} times`,
    format: 'ndjson',
    partitionKeyField: 'origin',
    canaries: () => canaries
  }
}

async function* flightLines(repeat: number, canaries: Buffer[]): AsyncGenerator<readonly InputLine[]> {
  let number = 0
  for (let round = 1; round <= repeat; round += 1) {
    const source = createReadStream(fileURLToPath(file)).pipe(createGunzip())
    for await (const lines of readLines(source, 1024 * 1024)) {
      yield lines.map(line => {
        const hasCanary = number % canaryEvery === 0
        const bytes =
          hasCanary || round > 1
            ? rewrite(line.bytes, round, hasCanary ? canaryOf(number, canaries) : undefined)
            : line.bytes
        number += 1
        return { number, bytes, tooLong: false }
      })
    }
  }
}

/** Stands nowhere else, and is the same when an interrupted run reads its line again. */
function canaryOf(number: number, canaries: Buffer[]): string {
  const canary = hash('sha256', `canary ${number}`, 'base64').replaceAll(/[+/]/g, '').slice(0, 16)
  canaries.push(Buffer.from(canary))
  return canary
}

function rewrite(bytes: Buffer, round: number, canary: string | undefined): Buffer {
  const flight = JSON.parse(bytes.toString('utf8')) as Record<string, unknown>
  if (round > 1) flight.id = `${flight.id}-${round}`
  if (canary !== undefined) flight.canary = canary
  return Buffer.from(JSON.stringify(flight))
}
