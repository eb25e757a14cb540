// `npm run test:fleet`: worker processes that are killed, paused and stopped while a stream of 100,000 sealed records is
// split and merged. On the embedded engines, or, unchanged, at the address in SEALSTREAM_ENDPOINT.
import { Fleet, report } from './fleet.js'

const fleet = await Fleet.open({
  recordCount: 100_000,
  durationMs: 60_000,
  failoverTimeMs: 4_000,
  workers: ['w1', 'w2', 'w3'],
  script: [
    [8, 'split'],
    [14, 'kill w1'],
    [15, 'start w4'],
    [26, 'pause w2'],
    [38, 'resume w2'],
    [44, 'merge'],
    [50, 'stop w3'],
    [51, 'start w5']
  ]
})
try {
  process.exitCode = report(await fleet.run())
} finally {
  await fleet.close()
}
