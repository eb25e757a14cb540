import type { IncomingMessage, ServerResponse } from 'node:http'
import { cut, type RequestListener } from './http-server.ts'

/**
 * Knows the requests under way of engines that can be exchanged for others: those that come meanwhile wait, those that
 * are under way are cut.
 */
export class InFlight {
  readonly #requests = new Map<ServerResponse, IncomingMessage>()
  #exchange: Promise<void> | undefined

  /** `current` is asked for each request, once no exchange is under way. */
  listener(current: () => RequestListener): RequestListener {
    const serve: RequestListener = (request, response) => {
      this.#requests.set(response, request)
      response.once('close', () => this.#requests.delete(response))
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
    for (const [response, request] of this.#requests) cut(request, response)
    this.#requests.clear()
    await exchange()
  }
}
