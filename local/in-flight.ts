import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { cut, type RequestListener } from './http-server.ts'

/**
 * Knows the requests under way of engines that can be exchanged for others: those that come meanwhile wait, those that
 * are under way are cut.
 */
export class InFlight {
  /** The latest request of each connection of HTTP/1.1: a connection has one at a time. */
  readonly #ofConnections = new Map<Socket, { request: IncomingMessage; response: ServerResponse }>()
  readonly #http2 = new Map<ServerResponse, IncomingMessage>()
  #exchange: Promise<void> | undefined

  /** `current` is asked for each request, once no exchange is under way. */
  listener(current: () => RequestListener): RequestListener {
    const serve: RequestListener = (request, response) => {
      this.#note(request, response)
      current()(request, response)
    }
    const admit: RequestListener = (request, response) => {
      if (this.#exchange === undefined) serve(request, response)
      else void this.#exchange.catch(() => {}).then(() => admit(request, response))
    }
    return admit
  }

  /** Runs `exchange` while nothing is served. One at a time. */
  async exchange(exchange: () => Promise<void>): Promise<void> {
    while (this.#exchange !== undefined) await this.#exchange.catch(() => {})
    const running = this.#run(exchange)
    this.#exchange = running
    try {
      await running
    } finally {
      this.#exchange = undefined
    }
  }

  async #run(exchange: () => Promise<void>): Promise<void> {
    for (const { request, response } of this.#ofConnections.values()) {
      if (!response.writableFinished) cut(request, response)
    }
    for (const [response, request] of this.#http2) cut(request, response)
    await exchange()
  }

  /** Without a listener for each request of HTTP/1.1, which shows in the time of the smallest ones. */
  #note(request: IncomingMessage, response: ServerResponse): void {
    if (request.httpVersionMajor >= 2) {
      this.#http2.set(response, request)
      response.once('close', () => this.#http2.delete(response))
      return
    }
    const { socket } = request
    const known = this.#ofConnections.get(socket)
    if (known === undefined) {
      this.#ofConnections.set(socket, { request, response })
      socket.once('close', () => this.#ofConnections.delete(socket))
    } else {
      known.request = request
      known.response = response
    }
  }
}
