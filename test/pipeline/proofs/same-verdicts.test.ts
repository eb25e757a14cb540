import { describe, expect, it } from 'vitest'
import {
  proveSameVerdicts,
  type Verdict,
  type VerdictOptions
} from '../../../pipeline/proofs/same-verdicts.ts'

function verdict(control: string, says: Verdict['says'], more: Partial<Verdict> = {}): Verdict {
  return { control, resource: 'stream', says, evidence: `${says}ed`, ...more }
}

const passing = [verdict('KDS-01', 'pass'), verdict('KDS-05', 'pass')]

function prove(
  declared: readonly Verdict[],
  observed: readonly Verdict[],
  options: Partial<VerdictOptions> = {}
) {
  return proveSameVerdicts({
    declared: { name: 'the template', verdicts: async () => declared },
    observed: { name: 'the account', verdicts: async () => observed },
    ...options
  })
}

/** Both places, and a flaw that shows in those that are named. */
function flawed(...seenIn: readonly ('declared' | 'observed')[]) {
  let isMade = false
  const verdicts = (place: 'declared' | 'observed') => async () =>
    isMade && seenIn.includes(place) ? [verdict('KDS-01', 'fail'), passing[1]!] : passing
  return proveSameVerdicts({
    declared: { name: 'the template', verdicts: verdicts('declared') },
    observed: { name: 'the engines', verdicts: verdicts('observed') },
    flaws: [
      {
        name: 'not encrypted',
        control: 'KDS-01',
        make: async () => {
          isMade = true
        }
      }
    ]
  })
}

describe('E2E-06', () => {
  it('is proved when the rules say the same in both places, failures included', async () => {
    const both = [...passing, verdict('KMS-02', 'fail')]
    expect(await prove(both, [...both].reverse())).toMatchObject({
      id: 'E2E-06',
      result: 'proved',
      reason: '3 verdicts are the same on the template and on the account',
      measurements: { compared: 3, differing: 0, unseen: 0, flaws: 0 }
    })
  })

  it('fails where a rule says something else of what is there', async () => {
    const proof = await prove(passing, [
      passing[0]!,
      verdict('KDS-05', 'fail', { evidence: 'kept for 24 hours' })
    ])
    expect(proof).toMatchObject({
      result: 'failed',
      reason:
        '1 of 2 verdicts differ, such as KDS-05 of stream: the template pass: passed, the account fail: kept for 24 hours',
      evidence: {
        differences: [{ after: 'nothing', control: 'KDS-05', observed: 'fail: kept for 24 hours' }]
      }
    })
  })

  it('takes the gravest of several verdicts on one resource, and resources one by one', async () => {
    const twice = [verdict('S3-01', 'fail'), verdict('S3-01', 'pass')]
    expect(await prove(twice, [...twice].reverse())).toMatchObject({ result: 'proved' })
    const swapped = await prove(
      [verdict('S3-01', 'pass'), verdict('S3-01', 'fail', { resource: 'bucket' })],
      [verdict('S3-01', 'fail'), verdict('S3-01', 'pass', { resource: 'bucket' })]
    )
    expect(swapped.measurements.differing).toBe(2)
  })

  it('passes over what cannot be told, or is left out, and says of what it saw nothing', async () => {
    const declared = [
      ...passing,
      verdict('SQS-05', 'fail'),
      verdict('KMS-02', 'untold'),
      verdict('IAM-01', 'pass')
    ]
    const observed = [...passing, verdict('SQS-05', 'pass'), verdict('KMS-02', 'fail')]
    const leftOut = { 'SQS-05': 'engines have no network' }
    expect(await prove(declared, observed, { leftOut })).toMatchObject({
      result: 'proved',
      measurements: { compared: 2, unseen: 1 },
      evidence: { leftOut, unseen: ['IAM-01 stream'] }
    })
    expect(await prove(declared, observed, { leftOut, isWhole: true })).toMatchObject({
      result: 'void',
      reason: '1 verdicts on the template have no counterpart, such as IAM-01 stream'
    })
  })

  it('needs each flaw to be seen in both places', async () => {
    expect(await flawed('declared', 'observed')).toMatchObject({
      result: 'proved',
      reason: '4 verdicts are the same on the template and on the engines, 1 flaws included',
      evidence: { flaws: ['KDS-01: not encrypted'] }
    })
    expect(await flawed('declared')).toMatchObject({
      result: 'failed',
      evidence: { differences: [{ after: 'not encrypted', control: 'KDS-01' }] }
    })
    expect(await flawed()).toMatchObject({
      result: 'void',
      reason: 'a flaw was not seen in both places, KDS-01: not encrypted'
    })
  })

  it('is void where there is nothing to compare', async () => {
    expect(await prove([], passing)).toMatchObject({ result: 'void' })
  })
})
