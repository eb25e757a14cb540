import { describe, expect, it, onTestFinished } from 'vitest'
import { localServices, openAccount } from '../../cli/account.ts'
import { accountVerdicts, engineVerdicts, stand } from '../../cli/verdicts.ts'
import { loadTemplate, planTemplate, type ReadAccount } from '../../infra/index.ts'
import {
  clientConfigOf,
  embeddedEngine,
  type PipelinePlan,
  proveSameVerdicts,
  type ServiceName
} from '../../pipeline/index.ts'
import { openLocal } from '../helpers/local.ts'
import { network, plans } from '../infra/plans.ts'

async function start(plan: PipelinePlan) {
  const { options, close } = await engineVerdicts(plan)
  onTestFinished(close)
  return options
}

describe('E2E-06 of a plan', { timeout: 60_000 }, () => {
  it('is proved on engines that hold what its template says, flaw by flaw', async () => {
    const proof = await proveSameVerdicts(await start({ name: 'orders' }))
    expect(proof.reason).toMatch(/are the same on the template and on the engines, 7 flaws included$/)
    expect(proof).toMatchObject({ result: 'proved', evidence: { differences: [] } })
    expect(proof.evidence.flaws).toEqual([
      'KMS-02: a key does not rotate',
      'KMS-04: a key is open to everybody',
      'KDS-01: the stream is not encrypted',
      'KDS-05: the stream keeps a day',
      'DDB-03: the lease table has no backups',
      'DDB-01: the lease table has no key in KMS',
      'S3-05: a bucket does not block public access'
    ])
    expect(proof.measurements.compared).toBeGreaterThan(300)
  })

  it('makes keys in place of those of an account, and one for each tenant', async () => {
    const arn = (id: string): string => `arn:aws:kms:eu-west-1:111122223333:key/${id}`
    const options = await start({
      name: 'orders',
      keys: { stream: { arn: arn('s') } },
      sealing: { tenants: { a1: 'made', b2: arn('b') } },
      deadLetters: { kind: 's3' }
    })
    expect(await proveSameVerdicts({ ...options, flaws: [] })).toMatchObject({ result: 'proved' })
  })

  it('is proved where nothing is sealed, and with every kind of destination and reader', async () => {
    expect(await proveSameVerdicts(await start(plans.plain))).toMatchObject({ result: 'proved' })
    const everything = await start({ ...plans.everything, network })
    expect(await proveSameVerdicts({ ...everything, flaws: [] })).toMatchObject({ result: 'proved' })
  })

  it('fails when what is there was changed, and the template was not', async () => {
    const options = await start({ name: 'orders' })
    const before = await options.declared.verdicts()
    const flaw = options.flaws!.find(({ control }) => control === 'KDS-01')!
    await flaw.make()
    const proof = await proveSameVerdicts({
      ...options,
      declared: { name: 'the template', verdicts: async () => before },
      flaws: []
    })
    expect(proof).toMatchObject({
      result: 'failed',
      measurements: { differing: 1 },
      reason: expect.stringMatching(
        /^1 of \d+ verdicts differ, such as KDS-01 of arn:aws:kinesis:.*stream\/orders/
      )
    })
  })
})

describe('E2E-06 of an account', { timeout: 60_000 }, () => {
  const plan = { name: 'orders' }

  /** Six of its services, which hold what the template says. `change` alters what one call answers. */
  async function startAccount(change: (operation: string, answer: object) => object = (_, answer) => answer) {
    const local = await openLocal()
    const account = await openAccount(localServices, service =>
      clientConfigOf(embeddedEngine(local), service as ServiceName)
    )
    onTestFinished(() => account.close())
    const scope = { accountId: local.accountId, region: local.region }
    await stand(loadTemplate(JSON.parse(JSON.stringify(planTemplate(plan))), scope), account)
    const written = new Set<string>()
    const read: ReadAccount = async call => {
      if (!/^(Get|List|Describe)/.test(call.operation)) written.add(call.operation)
      return change(call.operation, await account.read(call))
    }
    // Of the account there are no alarms.
    const leftOut = { ...(await start(plan)).leftOut, 'LOG-02': 'no CloudWatch' }
    return { options: { ...(await accountVerdicts(plan, read, localServices)), leftOut }, written }
  }

  it('says the same of what it can read, writes nothing, and is void while it does not see all', async () => {
    const { options, written } = await startAccount()
    const proof = await proveSameVerdicts(options)
    expect(proof).toMatchObject({ result: 'void', evidence: { differences: [] } })
    expect(proof.reason).toMatch(/^\d+ verdicts on the template have no counterpart, such as /)
    expect(await proveSameVerdicts({ ...options, isWhole: false })).toMatchObject({ result: 'proved' })
    expect([...written]).toEqual([])
  })

  it('tells of drift', async () => {
    const { options } = await startAccount((operation, answer) =>
      operation === 'GetKeyRotationStatus' ? { KeyRotationEnabled: false } : answer
    )
    const proof = await proveSameVerdicts(options)
    expect(proof).toMatchObject({ result: 'failed', measurements: { differing: 4 } })
    expect(proof.reason).toContain('such as KMS-02 of arn:aws:kms:us-east-1:000000000000:key/EnvelopeKey')
  })
})
