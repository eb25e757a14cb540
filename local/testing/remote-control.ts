import type { LocalInspect } from '../admin/control.ts'
import type { FaultRule } from '../faults/fault-rule.ts'
import type { FaultLogEntry, ScriptedFault } from '../faults/fault-script.ts'
import { EngineStartError } from './errors.ts'

/**
 * The switches of engines that run elsewhere, in a container or by `sealstream local`: what `startLocal` has, except
 * that every answer is waited for. Each rejects with EngineStartError `unreachable` when nothing answers, and `failed`
 * with what was wrong.
 */
export interface RemoteControl {
  readonly faults: {
    script(rules: readonly FaultRule[], options?: { readonly seed?: number }): Promise<void>
    clear(): Promise<void>
    rules(): Promise<readonly ScriptedFault[]>
    log(): Promise<readonly FaultLogEntry[]>
  }
  readonly inspect: LocalInspect
  /** For engines that were started with `--clock virtual`. */
  readonly clock: { advance(ms: number): Promise<void> }
  reset(): Promise<void>
}

interface FaultsAnswer {
  readonly rules: readonly ScriptedFault[]
  readonly log: readonly FaultLogEntry[]
}

/** `endpoint`: the address of all services. */
export function remoteControl(endpoint: string): RemoteControl {
  const call = async (method: string, path: string, body?: object): Promise<unknown> => {
    let answer: Response
    try {
      answer = await fetch(`${endpoint}/_sealstream/${path}`, {
        method,
        ...(body === undefined ? {} : { body: JSON.stringify(body) })
      })
    } catch (cause) {
      throw new EngineStartError('unreachable', `nothing answers at ${endpoint}`, cause)
    }
    if (answer.ok) return answer.json()
    const { error } = (await answer.json().catch(() => ({}))) as { error?: unknown }
    throw new EngineStartError(
      'failed',
      typeof error === 'string' ? error : `${endpoint} has no switches: status ${answer.status}`
    )
  }
  const inspect = async (service: string): Promise<never> =>
    (await call('GET', `inspect/${service}`)) as never
  return {
    faults: {
      async script(rules, options = {}) {
        await call('PUT', 'faults', { rules, ...options })
      },
      async clear() {
        await call('DELETE', 'faults')
      },
      rules: async () => ((await call('GET', 'faults')) as FaultsAnswer).rules,
      log: async () => ((await call('GET', 'faults')) as FaultsAnswer).log
    },
    inspect: {
      kinesis: () => inspect('kinesis'),
      dynamodb: () => inspect('dynamodb'),
      kms: () => inspect('kms'),
      s3: () => inspect('s3'),
      sqs: () => inspect('sqs'),
      firehose: () => inspect('firehose'),
      search: () => inspect('search'),
      hec: () => inspect('hec'),
      redshift: () => inspect('redshift')
    },
    clock: {
      async advance(ms) {
        await call('POST', 'clock', { advanceMs: ms })
      }
    },
    async reset() {
      await call('POST', 'reset')
    }
  }
}
