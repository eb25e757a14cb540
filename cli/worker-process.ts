import { createPipeline } from '../pipeline/index.ts'
import { ExitCode } from './exit-code.ts'
import { explainError } from './explain-error.ts'
import type { FromWorker, ToWorker } from './worker-messages.ts'

/**
 * One worker in a process of its own. It starts when it is told to, reports ten times a second, and ends when it
 * is told to or when the command that started it is gone.
 */
const statsEveryMs = 100
const stop = new AbortController()
let ended = false

// The terminal sends Ctrl-C to the whole group; the command alone decides when its workers stop.
process.on('SIGINT', () => {})
process.on('disconnect', () => process.exit(ended ? ExitCode.ok : ExitCode.failed))
process.on('message', (message: ToWorker) => {
  if (message.type === 'stop') stop.abort()
  else void run(message)
})
send({ type: 'ready' })

async function run({ workerId, plan, engine }: Extract<ToWorker, { type: 'start' }>): Promise<void> {
  const pipeline = createPipeline(plan, { engine })
  const worker = pipeline.createWorker({
    workerId,
    onEvent: event => send({ type: 'event', event }),
    onDeadLetter: ({ sequenceNumber, subSequenceNumbers }) =>
      send({ type: 'deadLettered', sequenceNumber, subSequenceNumbers })
  })
  const report = (): void =>
    send({ type: 'stats', stats: worker.stats, residentBytes: process.memoryUsage.rss() })
  const timer = setInterval(report, statsEveryMs)
  try {
    await worker.run({ signal: stop.signal })
    report()
    send({ type: 'stopped' })
  } catch (error) {
    const endpoint = engine.endpoints?.kinesis ?? 'AWS'
    const { message, exitCode } = explainError(error, endpoint)
    send({ type: 'failed', message, exitCode })
  } finally {
    clearInterval(timer)
    pipeline.close()
    ended = true
    process.disconnect?.()
  }
}

function send(message: FromWorker): void {
  // A command that was killed is told by `disconnect`; what cannot be sent to it any more is no failure of ours.
  if (process.connected) process.send?.(message, undefined, undefined, () => {})
}
