import type { IncomingMessage, ServerResponse } from 'node:http'
import { isSealstreamError } from '../../core/errors.ts'
import type { FaultRule } from '../faults/fault-rule.ts'
import { type RequestListener, readBody } from '../http-server.ts'
import type { Control, LocalInspect } from './control.ts'

/** What all paths of it begin with; no bucket of S3 can be called so. */
export const adminPath = '/_sealstream/'

const maxBodyBytes = 1024 * 1024

interface Answer {
  readonly status: number
  readonly body: unknown
}

/**
 * The engines' switches over HTTP, for people of other languages; JSON in and out.
 *
 * - `GET faults`: rules in force and the log. `PUT faults`: rules, or `{ rules, seed }`. `DELETE faults`: none.
 * - `GET inspect`, `GET inspect/<service>`: what the engines hold.
 * - `GET clock`: the engines' time. `POST clock` with `{ advanceMs }` moves a virtual one.
 * - `POST reset`: everything as at the start.
 */
export function adminListener(control: Control): RequestListener {
  return (request, response) => {
    answerTo(control, request).then(
      answer => send(response, answer),
      (error: unknown) => {
        // What the caller sent, or asked for, cannot be; anything else is a bug, whose words may hold what it read.
        const isTold = isSealstreamError(error)
        const message = isTold ? error.message : 'bug in the local engine'
        send(response, { status: isTold ? 400 : 500, body: { error: message } })
      }
    )
  }
}

async function answerTo(control: Control, request: IncomingMessage): Promise<Answer> {
  const path = (request.url ?? '').split('?')[0]!.slice(adminPath.length)
  const [name = '', ...rest] = path.split('/')
  const route = `${request.method ?? 'GET'} ${name}`
  if (name === 'inspect' && request.method === 'GET') return inspect(control, rest)
  if (rest.length > 0) return unknownPath
  switch (route) {
    case 'GET faults':
      return ok(faultsOf(control))
    case 'PUT faults': {
      const given = await jsonOf(request)
      if (given === undefined) return notJson
      const { rules = given, seed } = (Array.isArray(given) ? {} : given) as {
        rules?: unknown
        seed?: unknown
      }
      control.faults.script(rules as readonly FaultRule[], seed === undefined ? {} : { seed: seed as number })
      return ok(faultsOf(control))
    }
    case 'DELETE faults':
      control.faults.clear()
      return ok(faultsOf(control))
    case 'GET clock':
      return ok(timeOf(control))
    case 'POST clock': {
      const given = (await jsonOf(request)) as { advanceMs?: unknown } | undefined
      if (given === undefined) return notJson
      await control.clock.advance(typeof given.advanceMs === 'number' ? given.advanceMs : Number.NaN)
      return ok(timeOf(control))
    }
    case 'POST reset':
      await control.reset()
      return ok({})
    default:
      return ['faults', 'clock', 'reset', 'inspect'].includes(name)
        ? { status: 405, body: { error: `${request.method} is not for this path` } }
        : unknownPath
  }
}

const unknownPath: Answer = {
  status: 404,
  body: { error: 'there are faults, inspect, inspect/<service>, clock and reset' }
}
const notJson: Answer = { status: 400, body: { error: 'body is not JSON' } }

async function inspect({ inspect, running }: Control, rest: readonly string[]): Promise<Answer> {
  const [service] = rest
  if (service === undefined || service === '') {
    const all = await Promise.all(running.map(async name => [name, await inspect[name]()] as const))
    return ok(Object.fromEntries(all))
  }
  if (rest.length > 1 || !running.includes(service as keyof LocalInspect)) {
    return { status: 404, body: { error: `there are ${running.join(', ')}` } }
  }
  return ok(await inspect[service as keyof LocalInspect]())
}

function faultsOf({ faults }: Control): object {
  return { rules: faults.rules(), log: faults.log() }
}

function timeOf({ clock }: Control): object {
  return { nowMs: clock.now(), wallTimeMs: clock.wallTime() }
}

const ok = (body: unknown): Answer => ({ status: 200, body })

async function jsonOf(request: IncomingMessage): Promise<unknown> {
  const body = await readBody(request, maxBodyBytes)
  try {
    const parsed: unknown = JSON.parse(body?.toString('utf8') ?? '')
    return typeof parsed === 'object' && parsed !== null ? parsed : undefined
  } catch {
    return undefined
  }
}

function send(response: ServerResponse, { status, body }: Answer): void {
  const bytes = Buffer.from(`${JSON.stringify(body)}\n`)
  response
    .writeHead(status, { 'content-type': 'application/json', 'content-length': bytes.length })
    .end(bytes)
}
