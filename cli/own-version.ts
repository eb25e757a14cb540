import { createRequire } from 'node:module'

export function ownVersion(): string {
  const { version } = createRequire(import.meta.url)('sealstream/package.json') as { version: string }
  return version
}
