import { onTestFinished } from 'vitest'
import { type LocalEngines, type LocalOptions, startLocal } from '../../local/index.ts'

/** Embedded engines that end with the test. */
export async function openLocal(options: LocalOptions = {}): Promise<LocalEngines> {
  const local = await startLocal(options)
  onTestFinished(() => local.close())
  return local
}

/** An SDK client that is destroyed with the test. */
export function opened<T extends { destroy(): void }>(client: T): T {
  onTestFinished(() => client.destroy())
  return client
}
