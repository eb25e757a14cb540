import * as dynamodb from '@aws-sdk/client-dynamodb'
import * as firehose from '@aws-sdk/client-firehose'
import * as kinesis from '@aws-sdk/client-kinesis'
import * as kms from '@aws-sdk/client-kms'
import * as sqs from '@aws-sdk/client-sqs'
import { NormalizedSchema } from '@smithy/core/schema'
import type { LocalEngines } from '../../../local/index.ts'
import type { Seeded } from '../../helpers/seeded.ts'
import { base64, type Caller, type FuzzRequest, jsonType, oddText, signature } from './callers.ts'

type JsonService = 'kinesis' | 'dynamodb' | 'kms' | 'sqs' | 'firehose'
type Schema = Parameters<typeof NormalizedSchema.of>[0]

const services: Readonly<Record<JsonService, { readonly prefix: string; readonly client: object }>> = {
  kinesis: { prefix: 'Kinesis_20131202', client: kinesis },
  dynamodb: { prefix: 'DynamoDB_20120810', client: dynamodb },
  kms: { prefix: 'TrentService', client: kms },
  sqs: { prefix: 'AmazonSQS', client: sqs },
  firehose: { prefix: 'Firehose_20150804', client: firehose }
}

/** What would take the callers' resources away, or grow without end, without showing anything. */
const left =
  /^(Delete(Stream|Table|Queue|DeliveryStream|Alias)|ScheduleKeyDeletion|DisableKey|CreateKey|CreateTable)$/

interface Operation {
  readonly name: string
  readonly input: NormalizedSchema
}

/** Operations of each service, those that the engine knows apart from the others. */
export type KnownOperations = Readonly<
  Record<JsonService, { readonly known: readonly Operation[]; readonly unknown: readonly Operation[] }>
>

/** Asks the engines for every operation once, without any member. */
export async function knownOperations({ endpoints }: LocalEngines): Promise<KnownOperations> {
  const found = await Promise.all(
    (Object.keys(services) as JsonService[]).map(async service => {
      const known: Operation[] = []
      const unknown: Operation[] = []
      for (const operation of operations[service]) {
        const answer = await fetch(endpoints[service], {
          method: 'POST',
          headers: {
            'content-type': jsonType(service),
            'x-amz-target': `${services[service].prefix}.${operation.name}`,
            ...signature(service, 'nobody')
          },
          body: '{}'
        })
        const isUnknown = (await answer.text()).includes('UnknownOperationException')
        ;(isUnknown ? unknown : known).push(operation)
      }
      return [service, { known, unknown }] as const
    })
  )
  return Object.fromEntries(found) as unknown as KnownOperations
}

/** Every operation of the services as the SDK's schemas have it, also those that the engines do not know. */
const operations = Object.fromEntries(
  Object.entries(services).map(([service, { client }]) => [
    service,
    Object.values(client).flatMap((exported: unknown): Operation[] =>
      // [9, namespace, name, traits, input, output]: an operation.
      Array.isArray(exported) && exported[0] === 9 && !left.test(String(exported[2]))
        ? [{ name: String(exported[2]), input: NormalizedSchema.of(exported[4] as Schema) }]
        : []
    )
  ])
) as unknown as Record<JsonService, readonly Operation[]>

/** A request to one of the JSON services that is wrong in one or two places, or in none. */
export function jsonRequest(chance: Seeded, caller: Caller, among: KnownOperations): FuzzRequest {
  const target = chance.pick(Object.keys(services) as JsonService[])
  const { known, unknown } = among[target]
  const { name, input } = chance.pick(chance.chance(0.03) && unknown.length > 0 ? unknown : known)
  const value = fittingValue(input, '', chance, caller, 0)
  const wrongs = chance.integer(0, 2)
  for (let wrong = 0; wrong < wrongs; wrong += 1) damage(value, chance, caller)
  const text = JSON.stringify(value).replaceAll(/"@number ([^"]*)"/g, '$1')
  return {
    target,
    caller,
    method: chance.chance(0.02) ? chance.pick(['GET', 'PUT', 'HEAD', 'DELETE', 'OPTIONS']) : 'POST',
    path: chance.chance(0.02) ? chance.pick(['//', '/x/../y', '/?a=b', '/%', '*']) : '/',
    ...headersAndBody(chance, target, caller, name, Buffer.from(text))
  }
}

function headersAndBody(
  chance: Seeded,
  service: JsonService,
  caller: Caller,
  operation: string,
  body: Buffer
): Pick<FuzzRequest, 'headers' | 'body' | 'cutAt'> {
  const headers: Record<string, string> = {
    'content-type': jsonType(service),
    'x-amz-target': `${services[service].prefix}.${operation}`,
    ...signature(service, caller.name)
  }
  if (chance.chance(0.9)) return { headers, body }
  switch (chance.integer(0, 8)) {
    case 0:
      headers['x-amz-target'] = chance.pick(['', 'x', '.', `${operation}.`, `${services[service].prefix}.`])
      break
    case 1:
      headers['x-amz-target'] =
        `${services[service].prefix}.${chance.pick(['__proto__', 'constructor', 'x'])}`
      break
    case 2:
      delete headers['x-amz-target']
      break
    case 3:
      headers['content-type'] = chance.pick([
        '',
        'text/xml',
        'application/x-amz-cbor-1.1',
        'multipart/form-data'
      ])
      break
    case 4:
      headers.authorization = chance.pick([
        '',
        'Basic eDp5',
        'AWS4-HMAC-SHA256',
        'AWS4-HMAC-SHA256 Credential=/'
      ])
      break
    case 5:
      delete headers.authorization
      break
    case 6:
      return { headers, body: body.subarray(0, chance.integer(0, body.length)) }
    case 7:
      return { headers, body, cutAt: chance.integer(0, Math.max(0, body.length - 1)) }
    default:
      return {
        headers,
        body: Buffer.from(
          chance.pick([
            '',
            '[]',
            'null',
            '1',
            '"x"',
            '{',
            '{"a":}',
            '\xff\xfe',
            '['.repeat(20_000),
            '{"a":'.repeat(20_000)
          ])
        )
      }
  }
  return { headers, body }
}

/** A value that fits a schema: the caller's own where one is known for the member. */
function fittingValue(
  schema: NormalizedSchema,
  name: string,
  chance: Seeded,
  caller: Caller,
  depth: number
): unknown {
  if (Object.hasOwn(caller.members, name) && chance.chance(0.95)) return structuredClone(caller.members[name])
  if (schema.isStructSchema()) {
    const members = [...schema.structIterator()].filter(([member]) => {
      const likelihood = Object.hasOwn(caller.members, member) ? 0.85 : depth > 3 ? 0.05 : 0.15
      return chance.chance(likelihood)
    })
    return Object.fromEntries(
      members.map(([member, inner]) => [member, fittingValue(inner, member, chance, caller, depth + 1)])
    )
  }
  if (schema.isListSchema() || schema.isMapSchema()) {
    const inner = schema.getValueSchema()
    const values = Array.from({ length: depth > 4 ? 0 : chance.integer(0, 3) }, () =>
      fittingValue(inner, '', chance, caller, depth + 1)
    )
    return schema.isListSchema()
      ? values
      : Object.fromEntries(values.map((value, at) => [`name${at}`, value]))
  }
  if (schema.isBlobSchema()) return base64(caller.canary)
  if (schema.isBooleanSchema()) return chance.chance(0.5)
  // No small numbers above one: some of them are seconds to wait.
  if (schema.isNumericSchema() || schema.isTimestampSchema()) return chance.pick([0, 1, 100, 1_000])
  return chance.pick([
    caller.name,
    `${caller.name}-a`,
    'PROVISIONED',
    'KMS',
    'NONE',
    'ALL',
    'arn:aws:x:us-east-1:0:y'
  ])
}

/** Replaces, removes or adds one member somewhere below. */
function damage(value: unknown, chance: Seeded, caller: Caller): void {
  if (typeof value !== 'object' || value === null) return
  const names = Object.keys(value)
  const name = names.length === 0 ? 'x' : chance.pick(names)
  const inner: unknown = Reflect.get(value, name)
  if (typeof inner === 'object' && inner !== null && Object.keys(inner).length > 0 && chance.chance(0.6)) {
    damage(inner, chance, caller)
    return
  }
  if (chance.chance(0.2)) Reflect.deleteProperty(value, name)
  else if (chance.chance(0.15))
    define(value, chance.pick(['__proto__', 'constructor', 'toString']), odd(chance, 0))
  else if (name !== 'WaitTimeSeconds') define(value, name, own(name, odd(chance, 0), caller))
}

/** Names that somebody may make something under are the caller's alone. */
function own(member: string, value: unknown, caller: Caller): unknown {
  const isName = /(Name|Url)$/.test(member) && typeof value === 'string' && /^[\w-]{1,60}$/.test(value)
  return isName ? `${caller.name}-${value}` : value
}

/** As JSON does it: `__proto__` becomes a member like others. */
function define(value: object, name: string, member: unknown): void {
  Object.defineProperty(value, name, { value: member, enumerable: true, configurable: true, writable: true })
}

function odd(chance: Seeded, depth: number): unknown {
  const numbers = ['-1', '0', '-0', '1.5', '1e308', '1e400', '-1e400', '9007199254740993', '2147483648']
  switch (chance.integer(0, depth > 2 ? 3 : 7)) {
    case 0:
      return null
    case 1:
      return chance.chance(0.5)
    case 2:
      return `@number ${chance.pick(numbers)}`
    case 3:
      return oddText(chance)
    case 4:
      return []
    case 5:
      return {}
    case 6:
      return Array.from({ length: chance.integer(1, 3) }, () => odd(chance, depth + 1))
    default:
      return Object.fromEntries([
        [chance.pick(['__proto__', 'x', 'S', 'Data', 'constructor']), odd(chance, depth + 1)]
      ])
  }
}
