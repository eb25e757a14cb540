import { parseArgs } from 'node:util'
import { ExitCode } from '../exit-code.ts'
import { integer, parseOptions } from './run.ts'

export const localUsage = `sealstream local

Serves the embedded engines until it is interrupted: Kinesis, DynamoDB, KMS, S3, SQS and Firehose, behind one port. What
they hold ends with them, unless there is a state folder.

  --port N        port of all services; default 4566
  --host ADDRESS  address to listen on; default 127.0.0.1
  --output DIR    S3 objects lie in DIR/<bucket>/<key>; default a folder that goes with the engines
  --state DIR     keep everything in DIR, also when the process is killed, and go on from there`

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
        help: { type: 'boolean', default: false }
      }
    })
  )
  if (values.help) {
    process.stdout.write(`${localUsage}\n`)
    return ExitCode.ok
  }
  const port = integer('--port', values.port, 0, 65_535)
  const { startLocal } = await import('../../local/index.ts')
  const interrupted = new Promise<void>(resolve => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve())
  })
  let local: Awaited<ReturnType<typeof startLocal>>
  try {
    local = await startLocal({
      port,
      host: values.host,
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
  process.stdout.write(`Kinesis, DynamoDB, KMS, S3, SQS and Firehose at ${local.endpoint}\nReady.\n`)
  await interrupted
  await local.close()
  return ExitCode.ok
}
