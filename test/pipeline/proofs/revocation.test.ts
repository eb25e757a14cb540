import { DescribeKeyCommand, KMSClient } from '@aws-sdk/client-kms'
import { describe, expect, it } from 'vitest'
import { systemClock } from '../../../core/clock.ts'
import { ErrorCode, RecordFaultError } from '../../../core/errors.ts'
import type { RecordOpener, SealingKeyring } from '../../../core/record-transform.ts'
import { type DataKeyCacheOptions, kmsKeyring } from '../../../crypto/index.ts'
import { clientConfigOf, type Engine, embeddedEngine } from '../../../pipeline/index.ts'
import { proveRevocation } from '../../../pipeline/proofs/revocation.ts'
import { opened, openLocal } from '../../helpers/local.ts'
import { proofPlan } from '../../helpers/proofs.ts'

async function start() {
  const local = await openLocal()
  const engine = embeddedEngine(local)
  const kms = opened(new KMSClient(local.clientConfig('kms')))
  const keyState = async () =>
    (await kms.send(new DescribeKeyCommand({ KeyId: 'alias/proofs' }))).KeyMetadata?.KeyState
  return { local, engine, keyState }
}

const kmsKeyringOf = (engine: Engine, cache: DataKeyCacheOptions): SealingKeyring =>
  kmsKeyring({ keyId: 'alias/proofs', clientConfig: clientConfigOf(engine, 'kms'), cache })

/** The keyring, with another way of opening. */
function opening(
  keyring: SealingKeyring,
  open: (opener: RecordOpener, message: Uint8Array) => Promise<Uint8Array>
): SealingKeyring {
  return {
    createSealer: options => keyring.createSealer(options),
    createOpener(options) {
      const opener = keyring.createOpener(options)
      return {
        isSealed: data => opener.isSealed(data),
        open: message => open(opener, message),
        get keyStats() {
          return opener.keyStats
        },
        close: () => opener.close()
      }
    }
  }
}

/** A worker with it would empty its stream into the dead letters. */
const refusing = (keyring: SealingKeyring): SealingKeyring =>
  opening(keyring, async (opener, message) => {
    try {
      return await opener.open(message)
    } catch {
      throw new RecordFaultError(ErrorCode.noUsableDataKey, 'refused')
    }
  })

/** As KMS may answer while it hears of a change: refused once, then opened for a second more, then refused for good. */
function wavering(keyring: SealingKeyring, stale: RecordOpener): SealingKeyring & { opened: number } {
  let refusedMs: number | undefined
  const wavers = opening(keyring, async (opener, message) => {
    try {
      const data = await opener.open(message)
      // So that it has the data key.
      await stale.open(message)
      return data
    } catch (error) {
      const isFirst = refusedMs === undefined
      refusedMs ??= systemClock.now()
      if (isFirst || systemClock.now() - refusedMs > 1_000) throw error
      counted.opened += 1
      return stale.open(message)
    }
  })
  const counted = { ...wavers, opened: 0 }
  return counted
}

describe('E2E-02', () => {
  it('is proved by a worker that holds until the key is back, and then delivers everything', async () => {
    const { engine, keyState } = await start()
    const proof = await proveRevocation({ plan: proofPlan(), engine }, { cacheMaxAgeMs: 1_000 })
    expect(proof).toMatchObject({
      id: 'E2E-02',
      result: 'proved',
      measurements: { boundMs: 6_000, deadLettered: 0, lost: 0 },
      evidence: { stream: 'proofs', serviceCode: 'DisabledException' }
    })
    const { sent, handedOn, heldBack } = proof.measurements as Record<string, number>
    expect(handedOn).toBe(sent)
    expect(heldBack).toBeGreaterThanOrEqual(5)
    expect(await keyState()).toBe('Enabled')
  })

  it('fails for a keyring that goes on opening with a key that is revoked', async () => {
    const { engine, keyState } = await start()
    const proof = await proveRevocation(
      {
        plan: proofPlan(),
        engine,
        // Whatever age it is asked for, its data keys stay.
        keyringOf: () => kmsKeyringOf(engine, { maxAgeMs: 3_600_000 })
      },
      { cacheMaxAgeMs: 1_000, propagationMs: 500 }
    )
    expect(proof).toMatchObject({
      result: 'failed',
      reason: 'records were still opened when the time was up'
    })
    expect(await keyState()).toBe('Enabled')
  })

  it('fails for a keyring that takes a refused key for a fault of the record', async () => {
    const { engine, keyState } = await start()
    const proof = await proveRevocation(
      { plan: proofPlan(), engine, keyringOf: cache => refusing(kmsKeyringOf(engine, cache)) },
      { cacheMaxAgeMs: 1_000 }
    )
    expect(proof).toMatchObject({
      result: 'failed',
      reason: 'records were dead-lettered for want of the key'
    })
    expect(await keyState()).toBe('Enabled')
  })

  it('waits for a refusal that lasts, since KMS hears of a change part by part', async () => {
    const { engine } = await start()
    const plan = proofPlan()
    const stale = kmsKeyringOf(engine, { maxAgeMs: 3_600_000 }).createOpener({ streamName: 'proofs' })
    let worker: ReturnType<typeof wavering> | undefined
    const proof = await proveRevocation(
      {
        plan,
        engine,
        keyringOf: cache => {
          worker = wavering(kmsKeyringOf(engine, cache), stale)
          return worker
        }
      },
      { cacheMaxAgeMs: 1_000 }
    )
    expect(proof).toMatchObject({ result: 'proved', measurements: { lost: 0, deadLettered: 0 } })
    expect(worker!.opened).toBeGreaterThan(0)
    const { refusedAfterMs, lastHandedOnAfterMs } = proof.measurements as Record<string, number>
    expect(lastHandedOnAfterMs).toBeGreaterThan(refusedAfterMs!)
  })

  it('is not applicable where nothing is sealed, or tenants have keys of their own, and leaves a key on AWS alone', async () => {
    const { engine } = await start()
    const off = await proveRevocation({ plan: proofPlan({ sealing: { mode: 'off' } }), engine })
    const aws = await proveRevocation({ plan: proofPlan(), engine: { ...engine, kind: 'aws' } })
    const tenants = await proveRevocation({
      plan: proofPlan({ sealing: { tenants: { a: 'made' } } }),
      engine
    })
    expect([off, aws, tenants].map(({ result }) => result)).toEqual(Array(3).fill('notApplicable'))
  })
})
