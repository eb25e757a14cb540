// A device that seals its readings with a key of its own, before they leave it. Bundled, it holds nothing but the sealing:
// node bench/edge-size.js says how large that is.
import { rawAesKeyring, tenantKeyring } from 'sealstream/crypto'

/**
 * @param {object} device
 * @param {string} device.id readable in every message, and by whoever sees the stream: use an opaque one
 * @param {Uint8Array} device.key 32 bytes that this device and the reader share, and no other device has
 * @param {(topic: string, message: Uint8Array) => unknown} device.publish of an MQTT client
 */
export function createDevice({ id, key, publish }) {
  const keyring = tenantKeyring({ keyringOf: () => rawAesKeyring({ namespace: 'meters', name: id, key }) })
  const sealer = keyring.createSealer({ streamName: 'readings', context: { pipeline: 'meters' } })
  return {
    /** @param {object} reading */
    async report(reading) {
      const message = await sealer.seal(new TextEncoder().encode(JSON.stringify(reading)), id)
      await publish(`meters/${id}/readings`, message)
    },
    close: () => sealer.close()
  }
}
