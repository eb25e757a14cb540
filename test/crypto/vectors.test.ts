import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { RecordFaultError } from '../../core/errors.ts'
import { committingSuite } from '../../crypto/algorithm-suites.ts'
import { decryptMessage } from '../../crypto/decrypt.ts'
import { ContextMismatchError, rawAesKeyring } from '../../crypto/index.ts'
import { DataKey } from '../../crypto/materials.ts'
import { parseHeader } from '../../crypto/message-format/header.ts'

interface Vector {
  readonly id: string
  readonly message: string
  readonly keyring: {
    readonly type: string
    readonly namespace: string
    readonly key: string
    readonly dataKey: string
  }
  readonly expect: 'ok' | 'fail'
  readonly plaintext?: { readonly file?: string; readonly base64?: string }
  readonly content?: string
  readonly reproducedContext?: Record<string, string>
}

const folder = new URL('../vectors/esdk/', import.meta.url)
const read = (path: string): Buffer => readFileSync(new URL(path, folder))
const { tests, keys } = JSON.parse(read('manifest.json').toString()) as {
  tests: Vector[]
  keys: Record<string, { keyName: string; material: string }>
}

async function open({ message: file, keyring, reproducedContext = {} }: Vector): Promise<Buffer> {
  const message = read(file)
  const header = parseHeader(message)
  const differing = Object.entries(reproducedContext).filter(
    ([name, value]) => header.context.get(name) !== value
  )
  if (differing.length > 0) throw new ContextMismatchError(differing.map(([name]) => name))
  if (keyring.type === 'static') {
    return decryptMessage(
      message,
      header,
      Buffer.from(keyring.dataKey, 'base64').subarray(0, header.suite.keyBytes)
    )
  }
  const { keyName, material } = keys[keyring.key]!
  const request = {
    suite: committingSuite,
    context: Object.fromEntries(header.context),
    onKeyServiceCall: () => {}
  }
  const dataKey = await rawAesKeyring({
    namespace: keyring.namespace,
    name: keyName,
    key: Buffer.from(material, 'base64')
  }).unwrapDataKey(request, header.encryptedDataKeys)
  expect(dataKey).toBeInstanceOf(DataKey)
  return decryptMessage(message, header, dataKey.bytes)
}

// Not read yet: unframed content, and context that is bound but not stored.
const isReadable = ({ content, reproducedContext }: Vector): boolean =>
  content === 'framed' && reproducedContext === undefined
const good = tests.filter(vector => vector.expect === 'ok')

describe('official and own vectors of suite 0x0478', () => {
  it('are all there', () => {
    expect(tests).toHaveLength(118)
    expect(good.filter(isReadable)).toHaveLength(33)
    expect(good.filter(vector => !isReadable(vector))).toHaveLength(10)
  })

  it.each(good.filter(isReadable))('opens $id', async vector => {
    const expected =
      vector.plaintext?.file === undefined
        ? Buffer.from(vector.plaintext?.base64 ?? '', 'base64')
        : read(vector.plaintext.file)
    expect((await open(vector)).equals(expected)).toBe(true)
  })

  it.each(tests.filter(vector => vector.expect === 'fail'))('refuses $id', async vector => {
    await expect(open(vector)).rejects.toThrow(RecordFaultError)
  })

  it.each(good.filter(vector => !isReadable(vector)))('refuses $id, which is not read yet', async vector => {
    await expect(open(vector)).rejects.toThrow(RecordFaultError)
  })
})
