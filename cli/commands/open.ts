import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import type { Writable } from 'node:stream'
import { parseArgs } from 'node:util'
import { UndeliverableError } from '../../core/errors.ts'
import { Framing, frameRecord } from '../../core/record-framing.ts'
import { ContextName, type EncryptionContext, type SealingKeyring } from '../../core/record-transform.ts'
import { kmsKeyring, rawAesKeyring } from '../../crypto/index.ts'
import {
  awsEngine,
  clientConfigOf,
  definePipeline,
  endpointEngine,
  LineOpener
} from '../../pipeline/index.ts'
import { readConfigFile } from '../config-file.ts'
import { ExitCode, UsageError } from '../exit-code.ts'
import { tellFailure } from '../explain-error.ts'
import { readLines } from '../input.ts'
import { type StoredFile, storedFiles } from '../stored-files.ts'
import { count } from '../view.ts'
import { endpointOf, oneOf, parseOptions } from './run.ts'

export const openUsage = `sealstream open --input FILE|FOLDER|- (--config FILE | --stream NAME (--key-id ID | --raw-key FILE --raw-key-name NAME))

Opens what a delivery stream stored with deliver: 'ciphertext', one line of base64 for each Kinesis record, and writes
each user record as a line. What gzip compressed is recognised; of a folder every file is read.

  --input PATH            a file, a folder of objects, or - for standard input
  --output FILE           where to write; default standard output
  --config FILE           the plan of the pipeline: stream, key and context
  --stream NAME           instead of a plan: the stream that the records were sealed for
  --key-id ID             the KMS key: its ARN, id or alias
  --raw-key FILE          a raw AES key of 16, 24 or 32 bytes, with --raw-key-name NAMESPACE/NAME
  --context NAME=VALUE    a pair that every record must carry; may be given more than once
  --engine NAME           where KMS is: aws (default), localstack (at SEALSTREAM_ENDPOINT) or endpoint
  --endpoint URL          address of the endpoint engine; default SEALSTREAM_ENDPOINT
  --format lines|base64   how user records are written; lines (default) cannot hold a record with several lines
  --on-bad-line fail|skip what to do with a line, or a record in it, that cannot be opened; default fail
  --accept-plaintext      also write records that are not sealed
  --verbose               show stack traces`

/** Bounds one line: a Kinesis record of 10 MiB in base64. */
const maxLineBytes = 14 * 1024 * 1024

interface OpenSettings {
  readonly streamName: string
  readonly keyring: SealingKeyring | undefined
  readonly context: EncryptionContext
  readonly isBase64: boolean
  readonly skipsBadLines: boolean
  readonly acceptPlaintext: boolean
}

type Values = ReturnType<typeof parseValues>

export async function openCommand(args: readonly string[]): Promise<ExitCode> {
  const values = parseValues(args)
  if (values.help) {
    process.stdout.write(`${openUsage}\n`)
    return ExitCode.ok
  }
  if (values.input === undefined)
    throw new UsageError('--input is missing: name a file or a folder, or - for standard input')
  const engine = oneOf('--engine', values.engine, ['aws', 'localstack', 'endpoint'])
  const endpoint = endpointOf(engine, values.endpoint)
  if (engine === 'localstack' && endpoint === undefined) {
    throw new UsageError('--engine localstack needs SEALSTREAM_ENDPOINT: a new container holds no key')
  }
  const clientConfig = clientConfigOf(engine === 'aws' ? awsEngine : endpointEngine(endpoint!), 'kms')
  const settings = await settingsOf(values, keyId => kmsKeyring({ keyId, clientConfig }))
  const files = await storedFiles(values.input)
  const output = values.output === undefined ? process.stdout : await createOutput(values.output)
  try {
    return await open(files, output, settings)
  } catch (error) {
    return tellFailure(error, engine === 'aws' ? 'AWS' : endpoint!, { isVerbose: values.verbose })
  } finally {
    if (output !== process.stdout) await closed(output)
    // An open standard input would keep the process alive.
    if (values.input === '-') process.stdin.destroy()
  }
}

function parseValues(args: readonly string[]) {
  return parseOptions(() =>
    parseArgs({
      args: [...args],
      strict: true,
      options: {
        input: { type: 'string' },
        output: { type: 'string' },
        config: { type: 'string' },
        stream: { type: 'string' },
        'key-id': { type: 'string' },
        'raw-key': { type: 'string' },
        'raw-key-name': { type: 'string' },
        context: { type: 'string', multiple: true, default: [] },
        engine: { type: 'string', default: 'aws' },
        endpoint: { type: 'string' },
        format: { type: 'string', default: 'lines' },
        'on-bad-line': { type: 'string', default: 'fail' },
        'accept-plaintext': { type: 'boolean', default: false },
        verbose: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false }
      }
    })
  ).values
}

async function settingsOf(values: Values, kms: (keyId: string) => SealingKeyring): Promise<OpenSettings> {
  const { config, stream, context, 'key-id': keyId, 'raw-key': rawKey, 'raw-key-name': rawKeyName } = values
  const given = {
    context: Object.fromEntries(context.map(pairOf)),
    isBase64: oneOf('--format', values.format, ['lines', 'base64']) === 'base64',
    skipsBadLines: oneOf('--on-bad-line', values['on-bad-line'], ['fail', 'skip']) === 'skip',
    acceptPlaintext: values['accept-plaintext']
  }
  if (config !== undefined) {
    if ([stream, keyId, rawKey, rawKeyName].some(value => value !== undefined)) {
      throw new UsageError('--config says which stream and key: leave --stream and the key out')
    }
    const plan = definePipeline(await readConfigFile(config))
    const isSealed = plan.sealing.mode !== 'off'
    return {
      ...given,
      streamName: plan.stream.name,
      keyring: isSealed ? kms(plan.sealing.keyId) : undefined,
      context: { [ContextName.pipeline]: plan.name, ...plan.sealing.context, ...given.context }
    }
  }
  if (stream === undefined) throw new UsageError('--stream is missing: name it, or the plan with --config')
  if ((keyId === undefined) === (rawKey === undefined)) {
    throw new UsageError('expected exactly one of --key-id and --raw-key')
  }
  const keyring = keyId === undefined ? await rawKeyring(rawKey!, rawKeyName) : kms(keyId)
  return { ...given, streamName: stream, keyring }
}

async function rawKeyring(path: string, fullName: string | undefined): Promise<SealingKeyring> {
  const [, namespace, name] = /^([^/]+)\/(.+)$/.exec(fullName ?? '') ?? []
  if (namespace === undefined || name === undefined) {
    throw new UsageError('--raw-key-name: expected NAMESPACE/NAME, as the producer has them')
  }
  const key = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(`--raw-key ${path}: cannot be read (${error.code})`)
  })
  return rawAesKeyring({ namespace, name, key })
}

function pairOf(pair: string): readonly [string, string] {
  const at = pair.indexOf('=')
  if (at < 1) throw new UsageError('--context: expected NAME=VALUE')
  return [pair.slice(0, at), pair.slice(at + 1)]
}

async function createOutput(path: string): Promise<Writable> {
  // What it holds was sealed until now.
  const output = createWriteStream(path, { mode: 0o600 })
  try {
    await once(output, 'open')
  } catch (error) {
    throw new UsageError(`--output ${path}: cannot be written (${(error as NodeJS.ErrnoException).code})`)
  }
  return output
}

async function closed(output: Writable): Promise<void> {
  if (output.destroyed) return
  output.end()
  await once(output, 'close')
}

async function open(
  files: AsyncIterable<StoredFile>,
  output: Writable,
  { keyring, streamName, context, isBase64, skipsBadLines, acceptPlaintext }: OpenSettings
): Promise<ExitCode> {
  const opener = keyring?.createOpener({ streamName, context })
  const lines = new LineOpener({ streamName, opener, acceptPlaintext })
  const counts = { lines: 0, records: 0, bad: 0 }
  try {
    for await (const { name, bytes } of files) {
      for await (const batch of readLines(bytes, maxLineBytes)) {
        const written: Uint8Array[] = []
        for (const line of batch) {
          const { records, faults } = line.tooLong
            ? { records: [], faults: ['too long'] }
            : await lines.open(line.bytes)
          const framed = records.map(data => lineOf(data, isBase64))
          const reasons = [
            ...faults,
            ...framed.flatMap(each => (each === undefined ? ['several lines'] : []))
          ]
          counts.lines += 1
          counts.records += framed.length
          if (reasons.length > 0) {
            counts.bad += reasons.length
            process.stderr.write(
              `sealstream: ${name} line ${line.number}: ${[...new Set(reasons)].join(', ')}\n`
            )
            if (!skipsBadLines) {
              await write(output, written)
              return ExitCode.failed
            }
          }
          written.push(...framed.filter(each => each !== undefined))
        }
        await write(output, written)
      }
    }
  } finally {
    opener?.close()
  }
  process.stderr.write(
    `sealstream: ${count(counts.records)} user records from ${count(counts.lines)} lines; ${count(counts.bad)} not opened\n`
  )
  return counts.bad > 0 ? ExitCode.failed : ExitCode.ok
}

/** Undefined for a record that would be several lines. */
function lineOf(data: Uint8Array, isBase64: boolean): Uint8Array | undefined {
  if (isBase64) return Buffer.from(`${Buffer.from(data).toString('base64')}\n`)
  try {
    return frameRecord(Framing.lines, data)
  } catch (error) {
    if (error instanceof UndeliverableError) return undefined
    throw error
  }
}

async function write(output: Writable, lines: readonly Uint8Array[]): Promise<void> {
  if (lines.length > 0 && !output.write(Buffer.concat(lines))) await once(output, 'drain')
}
