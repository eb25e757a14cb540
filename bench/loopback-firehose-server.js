// Firehose as a sink sees it, over HTTP/1.1 and JSON 1.1: it answers at once and stores nothing. Forked by
// sink.bench.js.
import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'

const name = Buffer.from('"Data":')
/** Answers by the number of their entries. */
const answers = new Map()

const server = createServer((request, response) => {
  const body = Buffer.allocUnsafe(Number(request.headers['content-length']))
  let filled = 0
  request.on('data', chunk => {
    filled += chunk.copy(body, filled)
  })
  request.on('end', () => {
    const count = countOf(body)
    const answer = answers.get(count) ?? answerOf(count)
    answers.set(count, answer)
    response.writeHead(200, {
      'content-type': 'application/x-amz-json-1.1',
      'content-length': answer.length,
      'x-amzn-requestid': randomUUID()
    })
    response.end(answer)
  })
})
// The client decides when a connection ends: one that is closed just as a request begins would be a failure.
server.keepAliveTimeout = 0
server.listen(0, '127.0.0.1', () => {
  const address = /** @type {import('node:net').AddressInfo} */ (server.address())
  process.send?.(`http://127.0.0.1:${address.port}`)
})
// Whoever started it has closed it, or is gone.
process.on('disconnect', () => process.exit())

/**
 * Base64 holds no quotation mark, so the name of the member is found nowhere else.
 * @param {Buffer} body
 */
function countOf(body) {
  let count = 0
  for (let at = body.indexOf(name); at >= 0; at = body.indexOf(name, at + name.length)) count += 1
  return count
}

/** @param {number} count */
function answerOf(count) {
  const RecordId = 'r'.repeat(224)
  return Buffer.from(
    JSON.stringify({
      FailedPutCount: 0,
      Encrypted: true,
      RequestResponses: Array.from({ length: count }, () => ({ RecordId }))
    })
  )
}
