import { randomInt } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { createGunzip } from 'node:zlib'
import { ExitCode } from '../exit-code.ts'
import { type InputLine, readLines } from '../input.ts'
import { commonOptions, commonSettings, integer, parseOptions, run } from './run.ts'

export const demoUsage = `sealstream demo [--kill-worker] [--repeat N]

Carries 20,000 real flights through the whole pipeline on the embedded engines.

  --kill-worker   SIGKILL one of the workers half-way; the other takes over
  --repeat N      put the flights N times, with ids of their own; 1 to 1000
  and the options of run but --input, --format and --partition-key`

const flights = new URL('../../../examples/flights/flights-20k.ndjson.gz', import.meta.url)
const flightCount = 20_000
const canaryEvery = 1_000
const canaryAlphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

export async function demoCommand(args: readonly string[]): Promise<ExitCode> {
  const { values } = parseOptions(() =>
    parseArgs({
      args: [...args],
      strict: true,
      options: {
        ...commonOptions,
        'kill-worker': { type: 'boolean', default: false },
        repeat: { type: 'string', default: '1' }
      }
    })
  )
  if (values.help) {
    process.stdout.write(`${demoUsage}\n`)
    return ExitCode.ok
  }
  const repeat = integer('--repeat', values.repeat, 1, 1000)
  const canaries: Buffer[] = []
  return run(
    {
      ...(await commonSettings(values)),
      input: flightLines(repeat, canaries),
      format: 'ndjson',
      partitionKeyField: 'origin'
    },
    {
      ...(values['kill-worker'] ? { killAfterLines: (flightCount * repeat) / 2 } : {}),
      canaries: () => canaries,
      next: [
        'npm start -- --kill-worker                     one worker dies half-way; nothing is lost',
        'npm start -- --repeat 10                       200,000 records',
        'npx sealstream run --input FILE --format ndjson --partition-key FIELD    your own records'
      ]
    }
  )
}

/** The flights, `repeat` times; some carry a canary: 16 random bytes that must never be found at rest. */
async function* flightLines(repeat: number, canaries: Buffer[]): AsyncGenerator<readonly InputLine[]> {
  let number = 0
  for (let round = 1; round <= repeat; round += 1) {
    const source = createReadStream(fileURLToPath(flights)).pipe(createGunzip())
    for await (const lines of readLines(source, 1024 * 1024)) {
      yield lines.map(line => {
        const hasCanary = number % canaryEvery === 0
        const bytes =
          hasCanary || round > 1 ? rewrite(line.bytes, round, hasCanary ? canaries : undefined) : line.bytes
        number += 1
        return { number, bytes, tooLong: false }
      })
    }
  }
}

function rewrite(bytes: Buffer, round: number, canaries: Buffer[] | undefined): Buffer {
  const flight = JSON.parse(bytes.toString('utf8')) as Record<string, unknown>
  if (round > 1) flight.id = `${flight.id}-${round}`
  if (canaries !== undefined) {
    const canary = Array.from({ length: 16 }, () => canaryAlphabet[randomInt(canaryAlphabet.length)]).join('')
    canaries.push(Buffer.from(canary))
    flight.canary = canary
  }
  return Buffer.from(JSON.stringify(flight))
}
