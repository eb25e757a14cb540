import { describe, expect, it } from 'vitest'
import { keyUsesOfCloudTrail, type LookUpEvents } from '../../../pipeline/proofs/cloud-trail.ts'
import { FakeClock } from '../../helpers/fake-clock.ts'
import { serviceError } from '../../helpers/fake-kinesis.ts'

const keyArn = 'arn:aws:kms:eu-west-1:111122223333:key/envelope'
type Answer = Awaited<ReturnType<LookUpEvents>>

const event = (members: Record<string, unknown>, id = 'e1') => ({
  EventId: id,
  CloudTrailEvent: JSON.stringify({ eventSource: 'kms.amazonaws.com', eventName: 'Decrypt', ...members })
})

async function read(...answers: readonly Answer[]) {
  const asked: Parameters<LookUpEvents>[0][] = []
  const clock = new FakeClock()
  const log = keyUsesOfCloudTrail({
    keyArn,
    fromMs: 0,
    toMs: 3_600_000,
    clock,
    lookUpEvents: async input => {
      asked.push(input)
      return answers[asked.length - 1] ?? {}
    }
  })
  // Between two pages it waits.
  for (let page = 1; page < answers.length; page += 1) await clock.advance(1_000)
  return { asked, log: await log }
}

describe('what CloudTrail says of a key', () => {
  it('names the role behind a session, with the pairs and what came of it', async () => {
    const { asked, log } = await read({
      Events: [
        event({
          userIdentity: {
            type: 'AssumedRole',
            arn: 'arn:aws:sts::111122223333:assumed-role/orders-consumer/task-1',
            sessionContext: {
              sessionIssuer: { arn: 'arn:aws:iam::111122223333:role/orders-consumer' }
            }
          },
          requestParameters: { encryptionContext: { stream: 'orders', pipeline: 'orders' } }
        }),
        event({ userIdentity: { type: 'IAMUser', arn: 'arn:aws:iam::111122223333:user/eve' } }, 'e2'),
        event({ userIdentity: { invokedBy: 's3.amazonaws.com' }, errorCode: 'AccessDenied' }, 'e3'),
        event({ requestParameters: null, eventName: 'GenerateDataKey' }, 'e4'),
        event({ eventSource: 's3.amazonaws.com' }, 'e5')
      ]
    })
    expect(asked).toEqual([
      {
        LookupAttributes: [{ AttributeKey: 'ResourceName', AttributeValue: keyArn }],
        StartTime: new Date(0),
        EndTime: new Date(3_600_000),
        MaxResults: 50
      }
    ])
    expect(log).toEqual({
      fromMs: 0,
      toMs: 3_600_000,
      gap: undefined,
      uses: [
        {
          id: 'e1',
          principal: 'arn:aws:iam::111122223333:role/orders-consumer',
          operation: 'Decrypt',
          context: { stream: 'orders', pipeline: 'orders' },
          contextNames: ['pipeline', 'stream'],
          error: undefined
        },
        expect.objectContaining({ id: 'e2', principal: 'arn:aws:iam::111122223333:user/eve', context: {} }),
        expect.objectContaining({ id: 'e3', principal: 's3.amazonaws.com', error: 'AccessDenied' }),
        expect.objectContaining({ id: 'e4', principal: 'unknown', operation: 'GenerateDataKey' })
      ]
    })
  })

  it('is read page by page', async () => {
    const { asked, log } = await read(
      { Events: [event({}, 'e1')], NextToken: 'more' },
      { Events: [], NextToken: 'still more' },
      { Events: [event({}, 'e2')] }
    )
    expect(asked.map(({ NextToken }) => NextToken)).toEqual([undefined, 'more', 'still more'])
    expect(log.uses.map(({ id }) => id)).toEqual(['e1', 'e2'])
  })

  it.each(['', 'null', '[]', '{"eventName":"Decrypt"}', '{"eventSource":"kms.amazonaws.com"}', '{'])(
    'has a gap where an event cannot be read: %j',
    async CloudTrailEvent => {
      const { log } = await read({ Events: [{ EventId: 'e1', CloudTrailEvent }, event({}, 'e2')] })
      expect(log.gap).toBe('1 events cannot be read')
      expect(log.uses).toHaveLength(1)
    }
  )

  it('does not go on for ever', async () => {
    const log = await keyUsesOfCloudTrail({
      keyArn,
      fromMs: 0,
      toMs: 1,
      clock: Object.assign(new FakeClock(), { sleep: async () => {} }),
      lookUpEvents: async () => ({ Events: [], NextToken: 'more' })
    })
    expect(log.gap).toBe('more than 20000 events; take a shorter time')
  })

  it('says which call failed', async () => {
    const denied = keyUsesOfCloudTrail({
      keyArn,
      fromMs: 0,
      toMs: 1,
      lookUpEvents: async () => {
        throw serviceError('AccessDeniedException', 400)
      }
    })
    await expect(denied).rejects.toMatchObject({
      service: 'cloudtrail',
      operation: 'LookupEvents',
      failure: 'denied'
    })
  })
})
