import { readFile, writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import type { FaultRule, LocalEngines, LocalOptions } from '../../local/index.ts'
import { ExitCode, UsageError } from '../exit-code.ts'
import { exportLines } from '../local-environment.ts'
import { integer, parseOptions } from './run.ts'

export const localUsage = `sealstream local

Serves the embedded engines until it is interrupted: Kinesis, DynamoDB, KMS, S3, SQS and Firehose, behind one port. What
they hold ends with them, unless there is a state folder. Prints what clients need to know as lines for a shell to
evaluate, then Ready.

  --port N        port of all services; default 4566
  --host ADDRESS  address to listen on; default 127.0.0.1
  --output DIR    S3 objects lie in DIR/<bucket>/<key>; default a folder that goes with the engines
  --state DIR     keep everything in DIR, also when the process is killed, and go on from there
  --services A,B  which engines run; default all
  --receivers A,B what Firehose can deliver to besides S3: search, hec, redshift; default none
  --faults FILE   faults from the start on, a JSON list of rules; /_sealstream/faults changes them
  --tls FILE      take TLS on the same ports as well; what clients have to trust is written to FILE
  --throttle      shards of Kinesis keep to the limits of AWS
  --clock NAME    system (default), or virtual: time stands still until /_sealstream/clock moves it`

/** Prints `Ready.` when the engines listen, as LocalStack does: clients of its image wait for that line. */
export async function localCommand(args: readonly string[]): Promise<ExitCode> {
  const { values } = parseOptions(() =>
    parseArgs({
      args: [...args],
      strict: true,
      options: {
        port: { type: 'string', default: '4566' },
        host: { type: 'string', default: '127.0.0.1' },
        output: { type: 'string' },
        state: { type: 'string' },
        services: { type: 'string' },
        receivers: { type: 'string' },
        faults: { type: 'string' },
        tls: { type: 'string' },
        throttle: { type: 'boolean', default: false },
        clock: { type: 'string', default: 'system' },
        help: { type: 'boolean', default: false }
      }
    })
  )
  if (values.help) {
    process.stdout.write(`${localUsage}\n`)
    return ExitCode.ok
  }
  const port = integer('--port', values.port, 0, 65_535)
  if (values.clock !== 'system' && values.clock !== 'virtual') {
    throw new UsageError(`--clock: expected system or virtual, found ${values.clock}`)
  }
  const receivers = list(values.receivers) as NonNullable<LocalOptions['receivers']>
  const faults = values.faults === undefined ? [] : await readFaults(values.faults)
  const { startLocal } = await import('../../local/index.ts')
  const interrupted = new Promise<void>(resolve => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve())
  })
  let local: LocalEngines
  try {
    local = await startLocal({
      port,
      host: values.host,
      receivers,
      faults,
      throttle: values.throttle,
      tls: values.tls !== undefined,
      ...(values.clock === 'virtual' ? { clock: 'virtual' } : {}),
      ...(values.services === undefined
        ? {}
        : { services: list(values.services) as NonNullable<LocalOptions['services']> }),
      ...(values.output === undefined ? {} : { outputFolder: values.output }),
      ...(values.state === undefined ? {} : { stateFolder: values.state })
    })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
    process.stderr.write(
      `sealstream: port ${port} is taken: choose another by --port, or 0 for any that is free\n`
    )
    return ExitCode.unreachable
  }
  if (values.tls !== undefined) await writeCertificate(values.tls, local)
  const lines = [
    `# ${local.services.join(', ')} at ${local.endpoint}`,
    ...exportLines(local, receivers, values.tls),
    'Ready.'
  ]
  process.stdout.write(`${lines.join('\n')}\n`)
  await interrupted
  await local.close()
  return ExitCode.ok
}

/** @throws UsageError when it cannot be written; nothing runs then */
async function writeCertificate(file: string, local: LocalEngines): Promise<void> {
  try {
    await writeFile(file, local.tls?.caCertificate ?? '')
  } catch (error) {
    await local.close()
    throw new UsageError(`--tls ${file}: cannot be written: ${(error as NodeJS.ErrnoException).code}`)
  }
}

function list(value = ''): readonly string[] {
  return value.split(',').filter(name => name !== '')
}

async function readFaults(file: string): Promise<readonly FaultRule[]> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as readonly FaultRule[]
  } catch (error) {
    const reason = error instanceof SyntaxError ? 'it is not JSON' : (error as NodeJS.ErrnoException).code
    throw new UsageError(`--faults ${file}: cannot be read: ${reason}`)
  }
}
