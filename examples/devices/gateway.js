// A gateway for devices that cannot seal: they send plain readings over TLS with a certificate of their own, and the
// gateway seals. A reading is acknowledged once it lies in the stream.
import { createServer } from 'node:https'
import { buffer } from 'node:stream/consumers'

/** Largest reading, in bytes. */
const maxBytes = 65_536

/**
 * @param {object} given
 * @param {string} given.key of the gateway, in PEM
 * @param {string} given.certificate of the gateway
 * @param {string} given.ca that certificates of devices are signed by, and no others
 * @param {string} given.crl its list of revoked certificates
 * @param {import('sealstream/producer').Producer} given.producer
 */
export function createGateway({ key, certificate, ca, crl, producer }) {
  const tls = (/** @type {string} */ revoked) => ({
    key,
    cert: certificate,
    ca,
    crl: revoked,
    minVersion: /** @type {const} */ ('TLSv1.2')
  })
  const server = createServer({ ...tls(crl), requestCert: true, rejectUnauthorized: true })
  server.on('request', async (request, response) => {
    const { subject } = /** @type {import('node:tls').TLSSocket} */ (request.socket).getPeerCertificate()
    if (!(Number(request.headers['content-length']) <= maxBytes)) {
      response.writeHead(413, { connection: 'close' }).end()
      return
    }
    try {
      const data = await buffer(request)
      // Who it is says the certificate, never the request.
      const { sequenceNumber } = await producer.put({ partitionKey: subject.CN, data })
      response.writeHead(201).end(sequenceNumber)
    } catch {
      // The device keeps the reading and sends it again. Why it failed is no business of its.
      response.writeHead(503).end()
    }
  })
  return {
    server,
    /** Takes effect at once: connections that are open end, and sessions of before are not taken up again. */
    revoke(/** @type {string} */ crl) {
      server.setSecureContext(tls(crl))
      server.closeAllConnections()
    }
  }
}
