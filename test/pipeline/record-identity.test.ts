import { expect, it } from 'vitest'
import { canonicalJson, identify } from '../../pipeline/record-identity.ts'

const bytes = (text: string): Buffer => Buffer.from(text)

it('is one of the bytes, or of what the JSON says', () => {
  const [a, b] = [bytes('{"a":1,"b":[{"d":2,"c":null}]}'), bytes(' {"b": [{"c":null,"d":2.0}], "a":1e0}')]
  expect(identify(a, 'bytes')).not.toBe(identify(b, 'bytes'))
  expect(identify(a, 'json')).toBe(identify(b, 'json'))
  expect(identify({ b: [{ c: null, d: 2 }], a: 1 }, 'json')).toBe(identify(a, 'json'))
})

it.each([
  ['{"a":1}', '{"a":"1"}'],
  ['{"a":[1,2]}', '{"a":[2,1]}'],
  ['{"a":null}', '{}'],
  ['{"a":{"b":1}}', '{"b":{"a":1}}'],
  ['{"a":1', '{"a":2'],
  ['null', 'no JSON']
])('tells %s from %s', (a, b) => {
  for (const identity of ['bytes', 'json'] as const) {
    expect(identify(bytes(a), identity)).toBe(identify(bytes(a), identity))
    expect(identify(bytes(a), identity)).not.toBe(identify(bytes(b), identity))
  }
})

it('orders members by code units, at every depth', () => {
  expect(canonicalJson({ é: 1, z: { b: 1, B: 2 }, __proto__x: 3 })).toBe(
    '{"__proto__x":3,"z":{"B":2,"b":1},"é":1}'
  )
  expect(canonicalJson(JSON.parse('{"b":1,"__proto__":{"a":2}}'))).toBe('{"__proto__":{"a":2},"b":1}')
})
