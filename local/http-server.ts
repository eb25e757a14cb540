import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createHttp2Server, type ServerHttp2Session } from 'node:http2'
import { type AddressInfo, createServer as createNetServer, type Socket } from 'node:net'
import { createServer as createTlsServer, type TLSSocket, type Server as TlsServer } from 'node:tls'
import { systemClock } from '../core/clock.ts'
import { type HttpVersion, whenVersionIsKnown } from './http-version.ts'
import type { TlsKeyPair } from './tls.ts'

export type RequestListener = (request: IncomingMessage, response: ServerResponse) => void

export interface LocalServer {
  /** `http://127.0.0.1:<port>` */
  readonly url: string
  readonly port: number
  /** Stops listening and ends every connection, also those in the middle of an answer. */
  close(): Promise<void>
}

export interface ListenOptions {
  /** @default any that is free */
  readonly port?: number | undefined
  /** @default '127.0.0.1' */
  readonly host?: string | undefined
  /** With it the port takes TLS as well. */
  readonly tls?: TlsKeyPair | undefined
}

/**
 * Listens on one port for HTTP/1.1 and cleartext HTTP/2 alike, because the AWS SDK's default for
 * Kinesis is HTTP/2 with prior knowledge. The first bytes of a connection decide which server gets it; the
 * HTTP/2 server's compatibility API makes both look the same to `listener`.
 */
export async function listen(
  listener: RequestListener,
  { port = 0, host = '127.0.0.1', tls }: ListenOptions = {}
): Promise<LocalServer> {
  const http1 = createHttpServer({ keepAlive: true }, listener)
  // Idle keep-alive connections stay open: a client that reuses one just as it closes sees a reset.
  http1.keepAliveTimeout = 0
  http1.requestTimeout = 0
  const http2 = createHttp2Server(listener as never)
  const sessions = new Set<ServerHttp2Session>()
  http2.on('session', session => {
    sessions.add(session)
    session.on('close', () => sessions.delete(session))
  })
  const take = (socket: Socket, version: HttpVersion): void => {
    // A handshake that nobody takes is a bad request of HTTP/1.1.
    const server = version === 'http2' ? http2 : http1
    server.emit('connection', socket)
  }
  const secure = tls === undefined ? undefined : tlsServer(tls, take)
  const sockets = new Set<Socket>()

  const net = createNetServer({ noDelay: true }, socket => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => socket.destroy())
    whenVersionIsKnown(socket, systemClock, version => {
      if (version === 'tls' && secure !== undefined) secure.emit('connection', socket)
      else take(socket, version)
    })
  })
  await new Promise<void>((resolve, reject) => {
    net.once('error', reject)
    net.listen(port, host, resolve)
  })
  const bound = (net.address() as AddressInfo).port

  return {
    url: `http://127.0.0.1:${bound}`,
    port: bound,
    close: () =>
      new Promise(resolve => {
        net.close(() => resolve())
        for (const session of sessions) session.destroy()
        for (const socket of sockets) socket.destroy()
      })
  }
}

/**
 * Opens TLS on connections that are handed to it: it never listens. ALPN tells which HTTP a connection speaks; without it,
 * as the SDK for Java comes, its first bytes do.
 */
function tlsServer(tls: TlsKeyPair, take: (socket: Socket, version: HttpVersion) => void): TlsServer {
  const options = { key: tls.key, cert: tls.certificate, ALPNProtocols: ['h2', 'http/1.1'] }
  return createTlsServer(options, socket => {
    socket.on('error', () => socket.destroy())
    if (socket.alpnProtocol !== false) {
      take(socket, socket.alpnProtocol === 'h2' ? 'http2' : 'http1')
      return
    }
    whenVersionIsKnown(socket, systemClock, version => {
      // Or the HTTP/2 server would turn away what was not agreed upon.
      if (version === 'http2') socket.alpnProtocol = 'h2'
      take(socket, version)
    })
  })
}

/** The whole body of a request; `undefined` when it is larger than `maxBytes`. */
export function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer | undefined> {
  // By events: an async iterator costs a promise and a turn for each chunk of a large body.
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    let isWhole = false
    request.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size <= maxBytes) chunks.push(chunk)
      // The rest is read and dropped, so that the caller gets to see the answer.
      else resolve(undefined)
    })
    request.on('end', () => {
      isWhole = true
      if (size <= maxBytes) resolve(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks, size))
    })
    request.on('error', reject)
    request.on('close', () => {
      if (!isWhole) reject(new Error('the caller ended the connection in the middle of a body'))
    })
  })
}

/** Ends the connection of a request without an answer; over HTTP/2 its stream alone. */
export function cut(request: IncomingMessage, response: ServerResponse): void {
  if (request.httpVersionMajor >= 2)
    (response as unknown as { stream: { close(code: number): void } }).stream.close(2)
  else request.socket.destroy()
}

/** Scheme, host and port as the caller used them, such as `https://localhost:4566`. */
export function originOf(request: IncomingMessage): string {
  const { encrypted } = request.socket as Partial<TLSSocket>
  const host = headerOf(request, 'host') ?? headerOf(request, ':authority') ?? 'localhost'
  return `${encrypted === true ? 'https' : 'http'}://${host}`
}

export function headerOf(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name]
  return Array.isArray(value) ? value[0] : value
}
