import { CreateStreamCommand, KinesisClient } from '@aws-sdk/client-kinesis'
import { expect, onTestFinished } from 'vitest'
import { type DeadLetter, Worker, type WorkerEvent } from '../../consumer/index.ts'
import type { Pkcs11Keyring } from '../../crypto/index.ts'
import { Producer } from '../../producer/index.ts'
import { anOpener, aSealer, faultOf } from '../crypto/messages.ts'
import { opened, openLocal } from './local.ts'

/** A token, and what an operator does with it. */
export interface DrilledToken {
  /** A keyring of its own, as a process has it that was just started. */
  keyring(): Pkcs11Keyring
  backUp(): void
  destroy(): void
  restore(): void
  /** A token of the same name, with a new key under the same label: what must not be done. */
  replace(): void
}

const context = { pipeline: 'shop' }

/**
 * The drill of `docs/guides/hsm-loss-drill.md`: a canary is sealed, the token backed up and destroyed, reading holds, the
 * backup is restored, and the canary opens.
 */
export async function rehearseLoss(token: DrilledToken): Promise<void> {
  const local = await openLocal()
  const kinesis = opened(new KinesisClient(local.clientConfig('kinesis')))
  await kinesis.send(new CreateStreamCommand({ StreamName: 'orders', ShardCount: 1 }))
  const keyring = token.keyring()
  const producer = new Producer({
    streamName: 'orders',
    clientConfig: local.clientConfig('kinesis'),
    seal: { keyring, context }
  })
  await producer.put({ partitionKey: 'canary', data: Buffer.from('canary') })
  await producer.close()
  keyring.close()
  const events: WorkerEvent[] = []
  const deadLetters: DeadLetter[] = []
  const records: string[] = []
  const start = (stop: AbortController): Promise<void> => {
    const own = token.keyring()
    const worker = new Worker({
      applicationName: 'drill',
      streamName: 'orders',
      initialPosition: 'TRIM_HORIZON',
      idleTimeBetweenReadsMs: 200,
      createTable: true,
      kinesis: { clientConfig: local.clientConfig('kinesis') },
      dynamodb: { clientConfig: local.clientConfig('dynamodb') },
      open: { keyring: own, context },
      deadLetters: { put: async letter => void deadLetters.push(letter) },
      onEvent: event => events.push(event),
      eachRecord: ({ data }) => {
        records.push(Buffer.from(data).toString())
        stop.abort()
      }
    })
    return worker.run({ signal: stop.signal }).finally(() => own.close())
  }

  token.backUp()
  token.destroy()

  const holding = new AbortController()
  const held = start(holding)
  onTestFinished(() => holding.abort())
  await expect
    .poll(() => events.some(({ type }) => type === 'keyUnavailable'), { timeout: 20_000 })
    .toBe(true)
  holding.abort()
  await held
  expect({ records, deadLetters }).toEqual({ records: [], deadLetters: [] })
  const sealing = token.keyring()
  expect(await faultOf(() => aSealer(sealing).seal(Buffer.from('x')))).toBe('key')
  sealing.close()

  token.restore()

  const done = new AbortController()
  onTestFinished(() => done.abort())
  await start(done)
  // From where the checkpoint was left: a record that had been passed over would not come.
  expect({ records, deadLetters }).toEqual({ records: ['canary'], deadLetters: [] })
}

/** Why the backup has to come first: a new key under the old label blames every record there is. */
export async function replaceInsteadOfRestoring(token: DrilledToken): Promise<void> {
  const before = token.keyring()
  const sealed = await aSealer(before).seal(Buffer.from('canary'))
  before.close()
  token.backUp()
  token.destroy()
  const gone = token.keyring()
  expect(await faultOf(() => anOpener(gone).open(sealed))).toBe('key')
  gone.close()
  token.replace()
  const replaced = token.keyring()
  expect(await faultOf(() => anOpener(replaced).open(sealed))).toBe('record')
  replaced.close()
  token.destroy()
  token.restore()
  const restored = token.keyring()
  expect(await faultOf(() => anOpener(restored).open(sealed))).toBe('opened')
  restored.close()
}
