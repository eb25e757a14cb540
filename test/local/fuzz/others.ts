import { crc32, gzipSync } from 'node:zlib'
import type { Seeded } from '../../helpers/seeded.ts'
import { type Caller, type FuzzRequest, oddText, signature } from './callers.ts'

const keys = [
  'a',
  'a/b',
  '../../../../etc/passwd',
  '..%2F..%2F..%2Fescaped',
  '%2e%2e/%2e%2e/escaped',
  './././a',
  '/etc/passwd',
  'a//b',
  'a/',
  '%00',
  '%',
  '%C3',
  '%ED%A0%80',
  '.keys/x',
  '.incoming-x',
  '..',
  '.',
  'C:%5Cwindows',
  `${'k'.repeat(1_024)}`,
  `${'k'.repeat(1_025)}`,
  `${'d/'.repeat(500)}x`,
  '__proto__',
  '%F0%9F%98%80'
]
const queries = [
  'list-type=2',
  'list-type=2&max-keys=-1',
  'list-type=2&max-keys=1e9',
  'list-type=2&delimiter=&prefix=',
  'list-type=2&continuation-token=%00&encoding-type=url',
  'delete',
  'uploads',
  'uploadId=1&partNumber=0',
  'acl',
  'policy',
  '__proto__',
  '%',
  'tagging'
]

/** A request to S3: path tricks, wrong digests, broken framing. */
export function s3Request(chance: Seeded, caller: Caller): FuzzRequest {
  const bucket = chance.chance(0.85)
    ? caller.name
    : chance.pick(['..', '.', '%2e%2e', '%', '__proto__', 'no-such-bucket', ''])
  const key = chance.chance(0.8) ? `/${chance.pick(keys)}` : ''
  const query = chance.chance(key === '' ? 0.7 : 0.1) ? `?${chance.pick(queries)}` : ''
  // A bucket stays: the others' requests go to theirs, and this one's need it.
  const methods =
    key === '' ? ['GET', 'HEAD', 'POST', 'PATCH'] : ['GET', 'HEAD', 'PUT', 'PUT', 'DELETE', 'POST']
  const method = chance.pick(methods)
  const headers: Record<string, string> = { ...signature('s3', caller.name) }
  const odd: Readonly<Record<string, readonly string[]>> = {
    range: ['bytes=0-', 'bytes=-1', 'bytes=9-1', 'bytes=99999999999999999999-', 'bytes=a-b', 'items=0-1'],
    'if-none-match': ['*', '"x"'],
    'content-md5': ['x', 'AAAAAAAAAAAAAAAAAAAAAA=='],
    'x-amz-checksum-crc32': ['x', 'AAAAAA==', ''],
    'x-amz-checksum-crc32c': ['AAAAAA=='],
    'x-amz-checksum-mode': ['ENABLED', 'x'],
    'x-amz-copy-source': ['/', `/${caller.name}/a`, '%'],
    'x-amz-meta-__proto__': ['x'],
    'x-amz-meta-a': ['\u00e9', 'x'.repeat(2_000)],
    'content-type': ['', 'x', 'text/plain; charset='],
    'x-amz-decoded-content-length': ['-1', '1e9', 'x', '5'],
    authorization: ['', 'x', 'AWS4-HMAC-SHA256 Credential=/////']
  }
  for (const [name, values] of Object.entries(odd))
    if (chance.chance(0.06)) headers[name] = chance.pick(values)
  const isDelete = query === '?delete'
  const plain = Buffer.from(isDelete ? deleteBody(chance) : caller.canary)
  const isChunked = method === 'PUT' && chance.chance(0.4)
  if (isChunked) {
    headers['content-encoding'] = 'aws-chunked'
    headers['x-amz-content-sha256'] = 'STREAMING-UNSIGNED-PAYLOAD-TRAILER'
  }
  const body =
    method === 'PUT' || method === 'POST' ? (isChunked ? chunked(chance, plain) : plain) : Buffer.alloc(0)
  return {
    target: 's3',
    caller,
    method,
    path: `/${bucket}${key}${query}`,
    headers,
    body,
    cutAt: chance.chance(0.02) && body.length > 0 ? chance.integer(0, body.length - 1) : undefined
  }
}

function deleteBody(chance: Seeded): string {
  return chance.pick([
    '',
    '<Delete>',
    '<Delete><Object><Key>a</Key></Object></Delete>',
    '<Delete><Object><Key>&#x110000;</Key></Object></Delete>',
    '<Delete><Object><Key>&#xD800;&bogus;</Key></Object><Quiet>true</Quiet></Delete>',
    '<Delete><Object><Key>../../../etc/passwd</Key></Object></Delete>',
    `<!DOCTYPE x [<!ENTITY e "${'e'.repeat(99)}">]><Delete><Object><Key>&e;&e;&e;</Key></Object></Delete>`
  ])
}

/** `aws-chunked` framing of `plain`, most often wrong. */
function chunked(chance: Seeded, plain: Buffer): Buffer {
  const sum = Buffer.alloc(4)
  sum.writeUInt32BE(crc32(plain))
  const size = chance.pick([
    plain.length.toString(16),
    plain.length.toString(16),
    '-5',
    'ffffffffffffffff',
    'x',
    '',
    '1e9',
    String(plain.length),
    ' 1',
    '0x5'
  ])
  const end = chance.pick(['\r\n0\r\n', '\r\n0\r\n', '0\r\n', '\n0\n', ''])
  const trailer = chance.pick([
    `x-amz-checksum-crc32:${sum.toString('base64')}\r\n\r\n`,
    'x-amz-checksum-crc32:AAAAAA==\r\n\r\n',
    '__proto__:x\r\n\r\n',
    ':\r\n\r\n',
    'x',
    ''
  ])
  return Buffer.concat([Buffer.from(`${size}\r\n`), plain, Buffer.from(end + trailer)])
}

/** A request to the search receiver. */
export function searchRequest(chance: Seeded, caller: Caller): FuzzRequest {
  const index = caller.name
  const document = JSON.stringify({ secret: caller.canary })
  const deep = `${'{"a":'.repeat(2_000)}1${'}'.repeat(2_000)}`
  const body = chance.pick([
    document,
    `{"index":{}}\n${document}\n`,
    `{"index":{"_id":{}}}\n${document}\n`,
    '{"create":null}\n{}\n',
    '{"delete":{}}\n',
    '{"update":{"_id":"a"}}\n{"doc":1}\n',
    '{"update":{"_id":"a"}}\n{"upsert":"x"}\n',
    '{"__proto__":{}}\n{}\n',
    '{"index":{"_index":1}}\n{"__proto__":{"a":1},"constructor":{"prototype":1}}\n',
    `{"index":{}}\n${deep}\n`,
    deep,
    '{"query":"x"}',
    '{"query":{"term":null}}',
    '{"query":{"term":{"a":{}}}}',
    '{"query":{"bool":{"must":null}}}',
    '{"query":{"ids":[]}}',
    '{"query":{"exists":1}}',
    '{"query":{"query_string":{"query":{}}}}',
    '{"query":{"match":{"a":[{}]}},"from":-1}',
    '{"query":{"bool":null},"size":1e400}',
    `{"query":${'{"bool":{"must":['.repeat(3_000)}{"match_all":{}}${']}}'.repeat(3_000)}}`,
    '{"mappings":{"properties":{"a":null}}}',
    '{"mappings":"x"}',
    '{"mappings":{"properties":{"__proto__":{"type":"long"},"b":{"properties":1}}}}',
    '{"properties":{"a":{"type":{}},"b":1}}',
    '',
    '[]',
    '{'
  ])
  const path = chance.pick([
    `/${index}/_doc/a`,
    `/${index}/_doc`,
    `/${index}/_create/a`,
    `/${index}/_bulk`,
    `/${index}/_search`,
    `/${index}/_search?from=x&size=-1`,
    `/${index}/_search?q=a:(b`,
    `/${index}/_count`,
    `/${index}/_mapping`,
    `/${index}`,
    `/${index}/_doc/%`,
    `/${index}/_doc/${'i'.repeat(600)}`,
    '/__proto__/_doc/a',
    '/_bulk',
    '//',
    '/..%2f..',
    '/%ff',
    '/_nothing/x/y/z'
  ])
  const isGzip = chance.chance(0.1)
  const bytes = Buffer.from(body)
  const sent = isGzip ? gzipSync(bytes) : bytes
  const isBroken = isGzip && chance.chance(0.5)
  return {
    target: 'search',
    caller,
    method: chance.pick(['GET', 'POST', 'POST', 'PUT', 'HEAD', 'PATCH']),
    path,
    headers: {
      'content-type': chance.pick(['application/json', 'application/x-ndjson', 'text/plain', '']),
      ...(isGzip ? { 'content-encoding': 'gzip' } : {})
    },
    body: isBroken ? sent.subarray(0, sent.length >> 1) : sent
  }
}

/** A request to the HTTP Event Collector. */
export function hecRequest(chance: Seeded, caller: Caller, token: string): FuzzRequest {
  const body = chance.pick([
    JSON.stringify({ event: caller.canary }),
    JSON.stringify({ event: caller.canary }) + JSON.stringify({ event: null }),
    '{"event":""}',
    '{"event":1,"fields":{"__proto__":1},"time":"x"}',
    '{"acks":[0,1,2]}',
    '{"acks":[1e400,-1]}',
    '{"acks":{"length":1}}',
    '{"acks":["__proto__"]}',
    'null',
    '[]',
    '}{',
    '"\\',
    '{'.repeat(5_000),
    '',
    oddText(chance)
  ])
  return {
    target: 'hec',
    caller,
    method: chance.pick(['POST', 'POST', 'POST', 'GET', 'PUT']),
    path: chance.pick([
      '/services/collector/event',
      '/services/collector/raw',
      '/services/collector/ack',
      '/services/collector/health',
      '/services/collector/event/1.0',
      '/services/collector?channel=%00',
      '//',
      '/x'
    ]),
    headers: {
      authorization: chance.pick([
        `Splunk ${token}`,
        `Splunk ${token}`,
        'Splunk',
        'Basic x',
        'Splunk  __proto__'
      ]),
      'x-splunk-request-channel': chance.pick(['11111111-1111-1111-1111-111111111111', 'x', '']),
      ...(chance.chance(0.05) ? { 'content-encoding': 'gzip' } : {})
    },
    body: Buffer.from(body)
  }
}
