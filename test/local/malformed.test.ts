import { expect, it } from 'vitest'
import { openLocal } from '../helpers/local.ts'
import { jsonType, signature } from './fuzz/callers.ts'

const deep = `${'{"a":'.repeat(2_000)}1${'}'.repeat(2_000)}`
const deepQuery = `{"query":${'{"bool":{"must":['.repeat(2_000)}{"match_all":{}}${']}}'.repeat(2_000)}}`

it.each([
  ['s3', 'GET', '/bucket/%', '', 400, '<Code>InvalidURI</Code>'],
  [
    's3',
    'POST',
    '/bucket?delete',
    '<Delete><Object><Key>&#x110000;</Key></Object></Delete>',
    400,
    'MalformedXML'
  ],
  ['s3', 'PUT', '/bucket?cors', '<a>'.repeat(2_000), 400, 'MalformedXML'],
  ['search', 'GET', '//', '', 400, 'request target is not a path'],
  ['search', 'PUT', '/index/_doc/a', deep, 400, 'mapping depth [20]'],
  ['search', 'POST', '/_search', deepQuery, 400, 'nested deeper than 30 times'],
  ['search', 'POST', '/_search', '{"query":{"term":null}}', 400, '[term] is not an object'],
  ['search', 'PUT', '/other', '{"mappings":{"properties":{"a":null}}}', 400, 'No type specified']
] as const)(
  '%s: %s %s is refused for what is wrong with it, and no bug',
  async (target, method, path, body, status, text) => {
    const engines = await openLocal({ receivers: ['search'] })
    await fetch(`${engines.endpoints.s3}/bucket`, { method: 'PUT' })
    const url = new URL(target === 's3' ? engines.endpoints.s3 : engines.search!.url)
    const response = await fetch(`${url.origin}${path}`, { method, ...(body === '' ? {} : { body }) })
    expect(await response.text()).toContain(text)
    expect(response.status).toBe(status)
  }
)

it.each([
  ['5', 200],
  ['6', 400],
  ['x', 400]
])('s3: a framed body of 5 bytes that says it has %s is answered %i', async (length, status) => {
  const { endpoints } = await openLocal()
  await fetch(`${endpoints.s3}/bucket`, { method: 'PUT' })
  const response = await fetch(`${endpoints.s3}/bucket/a`, {
    method: 'PUT',
    headers: { 'content-encoding': 'aws-chunked', 'x-amz-decoded-content-length': length },
    body: '5\r\nhello\r\n0\r\n\r\n'
  })
  expect(response.status).toBe(status)
})

it.each(['null', '1', '"x"', '[]'])(
  'dynamodb: the body %s ends a request, and not the process',
  async body => {
    const { endpoints } = await openLocal()
    const ask = (operation: string, input: string) =>
      fetch(endpoints.dynamodb, {
        method: 'POST',
        headers: {
          'content-type': jsonType('dynamodb'),
          'x-amz-target': `DynamoDB_20120810.${operation}`,
          ...signature('dynamodb', 'local')
        },
        body: input
      })
    const refused = await ask('UntagResource', body)
    expect(refused.status).toBe(400)
    expect(await refused.text()).toMatch(/"__type":"[\w.]+#?\w*Exception"/)
    expect((await ask('ListTables', '{}')).status).toBe(200)
  }
)
