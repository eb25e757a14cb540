import { startLocal } from '../../local/index.ts'
import type { ConformanceEngine } from './engines.ts'
import type { WorldAddress } from './world.ts'

/** What the suite runs on: an address that is given, our engines in this process, or AWS by the SDK's own chain. */
export async function openEngine(
  engine: ConformanceEngine
): Promise<{ readonly address: WorldAddress | undefined; close(): Promise<void> }> {
  const nothing = async (): Promise<void> => {}
  if (engine === 'aws') return { address: undefined, close: nothing }
  const endpoint = process.env.SEALSTREAM_ENDPOINT
  if (endpoint !== undefined) return { address: { endpoint }, close: nothing }
  if (engine !== 'embedded') throw new Error(`SEALSTREAM_ENDPOINT: where is the engine ${engine}?`)
  const engines = await startLocal()
  return { address: { endpoint: engines.endpoint }, close: () => engines.close() }
}
