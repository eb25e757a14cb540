import { readdir } from 'node:fs/promises'
import { Agent } from 'node:http'
import { dirname, join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { decode } from 'cborg'
import { expect, it, onTestFinished } from 'vitest'
import type { LocalEngines } from '../../local/index.ts'
import { openLocal } from '../helpers/local.ts'
import { Seeded } from '../helpers/seeded.ts'
import { seeds } from '../helpers/seeds.ts'
import { jsonRequest, type KnownOperations, knownOperations } from './fuzz/aws-json.ts'
import { base64, type Caller, createCaller, type FuzzRequest, type Target } from './fuzz/callers.ts'
import { hecRequest, s3Request, searchRequest } from './fuzz/others.ts'
import { type FuzzAnswer, send } from './fuzz/send.ts'

/** 1,000 in the quick set, 50,000 in the deep one. */
const requests = seeds(100) * 10
/** Of the requests in flight together. */
const width = 8
/** What the process may hold more at the end than at the start, once garbage is gone. */
const maxGrowthBytes = 256 * 1024 * 1024

it(`answer ${requests} malformed requests in AWS's own shape, and go on serving`, async () => {
  const seed = Number(process.env.SEALSTREAM_FUZZ_SEED ?? Math.floor(Math.random() * 2 ** 31))
  const chance = new Seeded(seed)
  const engines = await openLocal({ receivers: ['search', 'hec'], statusDelayMs: 0 })
  const agent = new Agent({ keepAlive: true, maxSockets: width })
  onTestFinished(() => agent.destroy())
  const callers = await Promise.all(['one-a', 'two-b', 'three-c'].map(name => createCaller(engines, name)))
  const operations = await knownOperations(engines)
  const before = heapBytes()

  let number = 0
  const work = async (): Promise<void> => {
    while (number < requests) {
      const own = number++
      const request = nextRequest(chance, chance.pick(callers), operations, engines)
      const answer = await send(request, urlOf(engines, request.target), agent)
      const problem = answer === undefined ? undefined : problemOf(request, answer, callers)
      if (problem !== undefined) {
        throw new Error(
          `request ${own}: ${problem}\nreplay with SEALSTREAM_FUZZ_SEED=${seed}\n${describe(request, answer!)}`
        )
      }
    }
  }
  await Promise.all(Array.from({ length: width }, work))

  // Everybody finds everything in working order afterwards.
  for (const name of ['after-a', 'after-b']) await createCaller(engines, name)
  expect(heapBytes() - before).toBeLessThan(maxGrowthBytes)
  // What was written stays below the output folder.
  expect(await readdir(dirname(engines.outputFolder))).not.toContain('escaped')
  const files = await readdir(engines.outputFolder, { recursive: true })
  expect(files.filter(file => join('/', file).includes('..') || file.includes('.incoming'))).toEqual([])
}, 900_000)

function nextRequest(
  chance: Seeded,
  caller: Caller,
  operations: KnownOperations,
  { hec }: LocalEngines
): FuzzRequest {
  const draw = chance.next()
  if (draw < 0.65) return jsonRequest(chance, caller, operations)
  if (draw < 0.83) return s3Request(chance, caller)
  if (draw < 0.93) return searchRequest(chance, caller)
  return hecRequest(chance, caller, hec!.token)
}

function urlOf({ endpoints, search, hec }: LocalEngines, target: Target): string {
  if (target === 'search') return search!.url
  return target === 'hec' ? hec!.url : endpoints[target]
}

/** What is wrong with an answer; undefined when nothing is. */
function problemOf(request: FuzzRequest, answer: FuzzAnswer, callers: readonly Caller[]): string | undefined {
  const { status, body } = answer
  if (status >= 500 && status !== 501) return `status ${status}`
  const text = body.toString('latin1')
  for (const { canary } of callers) {
    const isOwn = canary === request.caller.canary
    if (!text.includes(canary) && !text.includes(base64(canary).slice(0, -4))) continue
    if (!isOwn && !request.seesAll) return 'the answer holds data of another caller'
    // DynamoDB's own words quote what is wrong.
    if (isOwn && status >= 400 && request.target !== 'dynamodb') return 'the error holds the payload'
  }
  if (request.method === 'HEAD' || request.method === 'OPTIONS' || status === 204) return undefined
  if (request.target === 's3') {
    return status < 400 || /<Code>\w+<\/Code>/.test(text) ? undefined : 'no XML error'
  }
  if (request.target === 'dynamodb' && request.method !== 'POST') return undefined
  const parsed = parse(answer)
  if (parsed === undefined) return isPlain(request, answer) ? undefined : 'the answer is no JSON object'
  if (status < 400) return undefined
  return errorMembers(request).some(name => name in parsed) ? undefined : 'the error has no name'
}

/** One of these names the error; both receivers answer what never reaches them by `error`. */
function errorMembers({ target }: FuzzRequest): readonly string[] {
  // A document that is not there is told without an error.
  if (target === 'search') return ['error', 'found', 'result']
  return target === 'hec' ? ['text', 'error'] : ['__type']
}

/** What is text by its nature: the list of indices, and what answers a content type that DynamoDB does not take. */
function isPlain({ target }: FuzzRequest, { headers, body }: FuzzAnswer): boolean {
  return (
    (target === 'search' && headers['content-type'] === 'text/plain; charset=UTF-8') ||
    (target === 'dynamodb' && body.toString().startsWith('<UnknownOperationException/>'))
  )
}

function parse({ headers, body }: FuzzAnswer): Record<string, unknown> | undefined {
  try {
    const isCbor = headers['content-type'] === 'application/x-amz-cbor-1.1'
    const parsed: unknown = isCbor ? decode(body) : JSON.parse(body.toString())
    return typeof parsed === 'object' && parsed !== null ? (parsed as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

function describe({ method, path, headers, body }: FuzzRequest, answer: FuzzAnswer): string {
  const lines = [
    `${method} ${path}`,
    JSON.stringify(headers),
    body.toString('latin1').slice(0, 2_000),
    `-> ${answer.status} ${answer.body.toString('latin1').slice(0, 2_000)}`
  ]
  return lines.join('\n')
}

function heapBytes(): number {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
