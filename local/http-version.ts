import type { Socket } from 'node:net'
import type { Clock } from '../core/clock.ts'

/** What a connection begins with. */
export type HttpVersion = 'http1' | 'http2' | 'tls'

/** How an HTTP/2 connection with prior knowledge begins (RFC 9113, section 3.4); no method of HTTP/1.1 does. */
const http2Preface = Buffer.from('PRI ')

/** How a TLS connection begins: the type of a record that holds a handshake (RFC 8446, section 5.1). */
const tlsHandshake = 0x16

/**
 * Wait for the rest of a beginning that may be either, in milliseconds: as long as a server of Node waits for the
 * headers of a request.
 */
export const maxUndecidedMs = 60_000

/**
 * Tells which HTTP a new connection speaks, or that it is TLS, by its first bytes: four at most, and as few as decide, since a network may
 * bring them one by one. They are put back before `decided` is called. A connection that ends or stops before they
 * decide is ended; one that has sent nothing may wait for ever, as kept ones do.
 */
export function whenVersionIsKnown(
  socket: Socket,
  clock: Clock,
  decided: (version: HttpVersion) => void
): void {
  let first: Buffer = Buffer.alloc(0)
  let cancelTimer: (() => void) | undefined
  const onReadable = (): void => {
    const chunk = socket.read() as Buffer | null
    if (chunk === null) return
    first = Buffer.concat([first, chunk])
    const isLikeHttp2 = first.subarray(0, http2Preface.length).equals(http2Preface.subarray(0, first.length))
    if (isLikeHttp2 && first.length < http2Preface.length) {
      cancelTimer ??= clock.schedule(() => socket.destroy(), maxUndecidedMs, { unref: true })
      return
    }
    socket.off('readable', onReadable)
    cancelTimer?.()
    // Not before: a stream that gets its bytes back calls for them to be read again.
    socket.unshift(first)
    decided(first[0] === tlsHandshake ? 'tls' : isLikeHttp2 ? 'http2' : 'http1')
  }
  socket.on('readable', onReadable)
  socket.once('close', () => cancelTimer?.())
}
