import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { WorkerEvent, WorkerStats } from '../consumer/index.ts'
import { deferred } from '../core/concurrency.ts'
import type { Engine, PipelinePlan } from '../pipeline/index.ts'
import type { FromWorker, ToWorker } from './worker-messages.ts'

export interface FleetOptions {
  readonly size: number
  readonly plan: PipelinePlan
  readonly engine: Engine
  readonly onEvent: (workerId: string, event: WorkerEvent) => void
  /** A worker stored a dead letter: a whole Kinesis record, or the named user records of it. */
  readonly onDeadLetter: (sequenceNumber: string, subSequenceNumbers: readonly number[] | undefined) => void
}

interface Member {
  readonly workerId: string
  readonly child: ChildProcess
  /** Last report; what a killed worker did after it is not known. */
  stats: WorkerStats | undefined
  residentBytes: number
  state: 'starting' | 'running' | 'stopped' | 'killed' | 'failed'
  readonly exited: Promise<void>
}

/** A worker process failed by itself. */
export class WorkerFailure extends Error {
  override readonly name = 'WorkerFailure'
  readonly exitCode: number

  constructor(workerId: string, message: string, exitCode: number) {
    super(`${workerId}: ${message}`)
    this.exitCode = exitCode
  }
}

/** Worker processes on this machine, each with the build of `worker-process.ts`. They end with this process. */
export class WorkerFleet {
  readonly #members: Member[] = []
  #failure: WorkerFailure | undefined

  /** Starts the processes and, once all are up, lets them begin together. */
  static async start(options: FleetOptions): Promise<WorkerFleet> {
    const fleet = new WorkerFleet()
    const ready = Array.from({ length: options.size }, (_, index) =>
      fleet.#spawn(`worker-${index + 1}`, options)
    )
    await Promise.all(ready)
    for (const { child, workerId } of fleet.#members) {
      post(child, { type: 'start', workerId, plan: options.plan, engine: options.engine })
    }
    return fleet
  }

  /** Why a worker ended by itself; undefined while none did. */
  get failure(): WorkerFailure | undefined {
    return this.#failure
  }

  get members(): readonly (Pick<Member, 'workerId' | 'stats' | 'state' | 'residentBytes'> & {
    readonly pid: number | undefined
  })[] {
    return this.#members.map(member => ({ ...member, pid: member.child.pid }))
  }

  /** Sum of one figure over all workers, those that were killed included. */
  sum(figure: (stats: WorkerStats) => number): number {
    return this.#members.reduce((sum, { stats }) => sum + (stats === undefined ? 0 : figure(stats)), 0)
  }

  /** SIGKILLs the first worker that holds a lease: no goodbye, as when a machine dies. Returns its id. */
  kill(): string | undefined {
    const victim =
      this.#members.find(({ state, stats }) => state === 'running' && (stats?.leasesHeld ?? 0) > 0) ??
      this.#members.find(({ state }) => state === 'running')
    if (victim === undefined) return undefined
    victim.state = 'killed'
    victim.child.kill('SIGKILL')
    return victim.workerId
  }

  /** Lets every worker finish what it holds and release its leases. */
  async stop(): Promise<void> {
    for (const { child, state } of this.#members) if (state === 'running') post(child, { type: 'stop' })
    await Promise.all(this.#members.map(({ exited }) => exited))
  }

  /** Ends what is still there, at once. */
  destroy(): void {
    for (const { child } of this.#members) if (child.exitCode === null) child.kill('SIGKILL')
  }

  #spawn(workerId: string, options: FleetOptions): Promise<void> {
    const child = fork(fileURLToPath(new URL('./worker-process.js', import.meta.url)), [], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      // Bytes in IPC messages keep their type, and a debugger port of this process is not inherited.
      serialization: 'advanced',
      execArgv: []
    })
    const ready = deferred<void>()
    const exited = deferred<void>()
    const member: Member = {
      workerId,
      child,
      stats: undefined,
      residentBytes: 0,
      state: 'starting',
      exited: exited.promise
    }
    this.#members.push(member)
    child.on('message', (message: FromWorker) => {
      switch (message.type) {
        case 'ready':
          member.state = 'running'
          ready.resolve()
          break
        case 'stats':
          member.stats = message.stats
          member.residentBytes = message.residentBytes
          break
        case 'event':
          options.onEvent(workerId, message.event)
          break
        case 'deadLettered':
          options.onDeadLetter(message.sequenceNumber, message.subSequenceNumbers)
          break
        case 'stopped':
          member.state = 'stopped'
          break
        case 'failed':
          member.state = 'failed'
          this.#failure ??= new WorkerFailure(workerId, message.message, message.exitCode)
          break
      }
    })
    child.on('error', error => ready.reject(error))
    child.on('exit', (code, signal) => {
      if (member.state === 'starting' || member.state === 'running') {
        member.state = 'failed'
        this.#failure ??= new WorkerFailure(workerId, `ended by itself (${signal ?? `exit code ${code}`})`, 1)
      }
      ready.reject(this.#failure ?? new WorkerFailure(workerId, 'ended before it was ready', 1))
      exited.resolve()
    })
    return ready.promise
  }
}

function post(child: ChildProcess, message: ToWorker): void {
  if (child.connected) child.send(message)
}
