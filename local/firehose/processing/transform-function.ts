import type { Clock } from '../../../core/clock.ts'
import type { FirehoseTransformEvent, FirehoseTransformResponse } from './transform-event.ts'

/**
 * What stands behind a LambdaArn: a function of this process, or the address of an HTTP endpoint that is posted the
 * event as JSON and answers with the response as JSON, such as the Lambda runtime interface emulator. Throwing, and a
 * status other than 200, is the error of the function.
 */
export type FirehoseFunction =
  | ((
      event: FirehoseTransformEvent,
      context: { readonly signal: AbortSignal }
    ) => FirehoseTransformResponse | Promise<FirehoseTransformResponse>)
  | string

/** By ARN, with or without a version or alias, or by name. */
export type FirehoseFunctions = Readonly<Record<string, FirehoseFunction>>

/** What an invocation came to; `errorCode` with `Lambda.` before it. */
export type Invocation =
  | { readonly kind: 'answered'; readonly answer: unknown }
  | { readonly kind: 'failed'; readonly errorCode: string; readonly errorMessage: string }

/** Of a synchronous invocation, both ways (https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html). */
export const maxPayloadBytes = 6 * 1024 * 1024

/** How long Firehose waits for a function (https://docs.aws.amazon.com/firehose/latest/dev/data-transformation.html). */
const timeLimitMs = 300_000

/**
 * Invokes the function behind an ARN, synchronously as Firehose does. Never rejects.
 * `signal` ends it, when the delivery stream is deleted.
 */
export async function invokeFunction(
  functions: FirehoseFunctions,
  lambdaArn: string,
  event: FirehoseTransformEvent,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal }
): Promise<Invocation> {
  const target = functionOf(functions, lambdaArn)
  if (target === undefined) return failed('ResourceNotFound', 'The specified Lambda function does not exist.')
  const payload = JSON.stringify(event)
  if (Buffer.byteLength(payload) > maxPayloadBytes) {
    return failed('FunctionError', 'The request is larger than the 6 MB that a function takes.')
  }
  const end = new AbortController()
  const onAbort = (): void => end.abort()
  signal.addEventListener('abort', onAbort, { once: true })
  let cancel = (): void => {}
  const overTime = new Promise<Invocation>(resolve => {
    end.signal.addEventListener(
      'abort',
      () => resolve(failed('FunctionTimedOut', 'The Lambda function did not return within five minutes.')),
      { once: true }
    )
    cancel = clock.schedule(onAbort, timeLimitMs, { unref: true })
  })
  try {
    if (signal.aborted) return failed('FunctionError', 'The delivery stream is deleted.')
    const run =
      typeof target === 'string' ? post(target, payload, end.signal) : call(target, payload, end.signal)
    return await Promise.race([run, overTime])
  } finally {
    cancel()
    signal.removeEventListener('abort', onAbort)
  }
}

function functionOf(functions: FirehoseFunctions, lambdaArn: string): FirehoseFunction | undefined {
  const [, unqualified, name] = /^(arn:[^:]*:lambda:[^:]*:[^:]*:function:([^:]+))/.exec(lambdaArn) ?? []
  const key = [lambdaArn, unqualified, name].find(
    candidate => candidate !== undefined && Object.hasOwn(functions, candidate)
  )
  return key === undefined ? undefined : functions[key]
}

/** Both ways through JSON, as over the network: nothing is shared with the function. */
async function call(
  target: Exclude<FirehoseFunction, string>,
  payload: string,
  signal: AbortSignal
): Promise<Invocation> {
  let text: string | undefined
  try {
    text = JSON.stringify(await target(JSON.parse(payload) as FirehoseTransformEvent, { signal }))
  } catch (error) {
    return failed(
      'FunctionError',
      `The Lambda function threw ${error instanceof Error ? error.name : 'an error'}.`
    )
  }
  return answered(text ?? 'null')
}

async function post(url: string, payload: string, signal: AbortSignal): Promise<Invocation> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: payload,
      redirect: 'manual',
      signal
    })
    if (response.status === 200 && response.headers.get('x-amz-function-error') === null) {
      return answered(await textOf(response))
    }
    await response.body?.cancel()
    const code = statusCodes[response.status] ?? 'FunctionError'
    return failed(code, `The Lambda function was answered for with status ${response.status}.`)
  } catch {
    return failed('FunctionError', 'The Lambda function could not be reached.')
  }
}

/** What the API of Lambda means by a status. */
const statusCodes: Readonly<Record<number, string>> = {
  403: 'InvokeAccessDenied',
  404: 'ResourceNotFound',
  429: 'InvokeLimitExceeded'
}

/** Not more than says that it is too much. */
async function textOf(response: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    chunks.push(chunk)
    bytes += chunk.length
    if (bytes > maxPayloadBytes) break
  }
  return Buffer.concat(chunks).toString('utf8')
}

function answered(text: string): Invocation {
  if (Buffer.byteLength(text) > maxPayloadBytes) {
    return failed('FunctionError', 'The response is larger than the 6 MB that a function may return.')
  }
  const answer = parsed(text)
  // What the Lambda runtime makes of an error that a function throws.
  if (typeof answer === 'object' && answer !== null && 'errorMessage' in answer && !('records' in answer)) {
    return failed('FunctionError', 'The Lambda function returned an error.')
  }
  return { kind: 'answered', answer }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function failed(code: string, errorMessage: string): Invocation {
  return { kind: 'failed', errorCode: `Lambda.${code}`, errorMessage }
}
