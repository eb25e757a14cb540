// A transformation function in a process of its own, with the memory of a small function. Started by transform.bench.js,
// which sends the event as Lambda's runtime has it, as text, and then how often it is to be invoked.
import { randomBytes } from 'node:crypto'
import { rawAesKeyring } from 'sealstream/crypto'
import { firehoseTransform } from 'sealstream/lambda'

/** @typedef {{ readonly text: string, readonly key: string | undefined, readonly records: number }} TransformWork */
/** @typedef {{ readonly peakRssBytes: number, readonly peakHeapBytes: number }} TransformSample */

let text = ''
let records = 0
let peakHeapBytes = 0
let transform = functionOf(undefined)

process.on('message', async (/** @type {TransformWork | number} */ message) => {
  if (typeof message !== 'number') {
    ;({ text, records } = message)
    transform = functionOf(message.key)
    process.send?.('ready')
    return
  }
  for (let left = message; left > 0; left -= 1) {
    const response = JSON.stringify(await transform(JSON.parse(text)))
    const { heapUsed, external } = process.memoryUsage()
    peakHeapBytes = Math.max(peakHeapBytes, heapUsed + external)
    if (response.length < text.length / 3) throw new Error('the response is too short')
  }
  const { records: seen, ok } = transform.stats
  if (seen !== ok || seen % records > 0) throw new Error(`${seen - ok} records were not opened`)
  // In kilobytes, says Node.
  process.send?.({ peakRssBytes: process.resourceUsage().maxRSS * 1_024, peakHeapBytes })
})

/** @param {string | undefined} key in hexadecimal */
function functionOf(key) {
  const keyring = rawAesKeyring({
    namespace: 'bench',
    name: 'key-1',
    key: key === undefined ? randomBytes(32) : Buffer.from(key, 'hex')
  })
  return firehoseTransform({
    destination: 's3',
    framing: 'ndjson',
    ...(key === undefined ? {} : { open: { keyring } })
  })
}
