import { describe, expect, it } from 'vitest'
import { type KeyUse, type KeyUseLog, proveKeyUses } from '../../../pipeline/proofs/key-uses.ts'

const keyArn = 'arn:aws:kms:eu-west-1:111122223333:key/envelope'
const context = { pipeline: 'secret-pipeline', stream: 'orders' }

function use(more: Partial<KeyUse> = {}): KeyUse {
  return {
    id: 'event-1',
    principal: 'consumer',
    operation: 'Decrypt',
    context,
    contextNames: Object.keys(context),
    error: undefined,
    ...more
  }
}

const wrap = use({ id: 'event-0', principal: 'producer', operation: 'GenerateDataKey' })
const refused = use({ principal: 'stranger', error: 'AccessDenied' })

function prove(uses: readonly KeyUse[], log: Partial<KeyUseLog> = {}, exercise?: () => Promise<string>) {
  return proveKeyUses({
    keyArn,
    read: async () => ({ fromMs: 0, toMs: 60_000, uses, gap: undefined, ...log }),
    mayUse: ({ principal, operation }) =>
      ({ consumer: 'Decrypt', producer: 'GenerateDataKey' })[principal] === operation,
    ...(exercise === undefined ? {} : { exercise })
  })
}

describe('E2E-05', () => {
  it('is proved when every use that was carried out is that of the plan, and counts what was refused', async () => {
    const proof = await prove([wrap, use(), use({ id: 'event-2' }), refused])
    expect(proof).toMatchObject({
      id: 'E2E-05',
      result: 'proved',
      reason: "3 uses by 2 callers are all the plan's",
      measurements: { uses: 3, callers: 2, undeclared: 0, refused: 1 },
      evidence: {
        keyArn,
        from: '1970-01-01T00:00:00.000Z',
        to: '1970-01-01T00:01:00.000Z',
        uses: [
          { principal: 'producer', operation: 'GenerateDataKey', count: 1 },
          { principal: 'consumer', operation: 'Decrypt', count: 2 }
        ],
        refused: [{ principal: 'stranger', error: 'AccessDenied', count: 1 }],
        undeclared: []
      }
    })
    expect(JSON.stringify(proof)).not.toContain('secret-pipeline')
  })

  it.each([
    ['somebody else', use({ principal: 'stranger' })],
    ['somebody for what he may not', use({ principal: 'producer' })],
    ['who lets others use it', use({ operation: 'CreateGrant' })]
  ])('fails when the key was used by %s', async (_, other) => {
    const proof = await prove([wrap, use(), other])
    expect(proof).toMatchObject({
      result: 'failed',
      reason: `1 of 3 uses are not the plan's, such as ${other.operation} by ${other.principal}`,
      evidence: { undeclared: [{ id: 'event-1', principal: other.principal }] }
    })
  })

  it('asks for every caller whether he may under these very pairs', async () => {
    const asked: unknown[] = []
    await proveKeyUses({
      keyArn,
      read: async () => ({ fromMs: 0, toMs: 1, uses: [use()], gap: undefined }),
      mayUse: each => {
        asked.push(each.context)
        return true
      }
    })
    expect(asked).toEqual([context])
  })

  it('takes no notice of what tells of the key alone', async () => {
    const proof = await prove([wrap, use({ principal: 'stranger', operation: 'DescribeKey' })])
    expect(proof).toMatchObject({ result: 'proved', measurements: { uses: 1 } })
  })

  it('is void when the log shows nothing, or not all, or no refusal', async () => {
    expect(await prove([refused])).toMatchObject({
      result: 'void',
      reason: 'the log shows no use of the key at all'
    })
    expect(await prove([wrap], { gap: '2 events cannot be read' })).toMatchObject({
      result: 'void',
      reason: 'the log is not whole: 2 events cannot be read'
    })
    const exercise = async () => 'stranger'
    expect(await prove([wrap, use()], {}, exercise)).toMatchObject({
      result: 'void',
      reason: 'the log does not show a call that was refused'
    })
    expect(await prove([wrap, use(), refused], {}, exercise)).toMatchObject({ result: 'proved' })
  })

  it('is failed, and not void, when it shows a stranger and is not whole', async () => {
    const proof = await prove([wrap, use({ principal: 'stranger' })], { gap: 'more than 20000 events' })
    expect(proof.result).toBe('failed')
  })
})
