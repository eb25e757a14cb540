import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type LocalEngines, type LocalOptions, startLocal } from '../../local/index.ts'
import { type Engine, embeddedEngine, endpointEngine, type PipelinePlan } from '../../pipeline/index.ts'

export interface TestEngine {
  readonly engine: Engine
  /** The embedded engines; undefined on an endpoint, where faults cannot be scripted and nothing can be scanned. */
  readonly local: LocalEngines | undefined
  /** A plan whose names are used by nobody else. */
  plan(overrides?: Omit<PipelinePlan, 'name'>): PipelinePlan
  close(): Promise<void>
}

/**
 * The engine that the integration tests run on: the embedded one, or, unchanged, the address in
 * `SEALSTREAM_ENDPOINT`.
 */
export async function openTestEngine(options: Omit<LocalOptions, 'outputFolder'> = {}): Promise<TestEngine> {
  const endpoint = process.env.SEALSTREAM_ENDPOINT
  if (endpoint !== undefined)
    return { engine: endpointEngine(endpoint), local: undefined, plan, close: async () => {} }
  const outputFolder = await mkdtemp(join(tmpdir(), 'sealstream-test-'))
  const local = await startLocal({ ...options, outputFolder })
  return {
    engine: embeddedEngine(local),
    local,
    plan,
    async close() {
      await local.close()
      await rm(outputFolder, { recursive: true, force: true })
    }
  }
}

function plan(overrides: Omit<PipelinePlan, 'name'> = {}): PipelinePlan {
  return {
    name: `test-${randomUUID().slice(0, 8)}`,
    destinations: [{ kind: 's3', bufferIntervalSeconds: 1 }],
    ...overrides,
    consumer: { failoverTimeMs: 2_000, idleTimeBetweenReadsMs: 200, ...overrides.consumer }
  }
}
