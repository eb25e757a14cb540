// The full seed counts: the same suites as `npm test`, with more runs of every property.
import { spawnSync } from 'node:child_process'

const result = spawnSync('npx', ['vitest', 'run', ...process.argv.slice(2)], {
  stdio: 'inherit',
  env: { ...process.env, SEALSTREAM_SEEDS: process.env.SEALSTREAM_SEEDS ?? '5000' }
})
process.exit(result.status ?? 1)
