import { describe, expect, it } from 'vitest'
import { arnOf, attributeOf, placeholdersIn, refTo, rendered, substitute } from '../../infra/placeholders.ts'

describe('placeholders', () => {
  it('are found in a text, and what only looks like one is not', () => {
    expect(placeholdersIn(arnOf('kinesis', 'stream/orders'))).toEqual([
      'AWS::Partition',
      'AWS::Region',
      'AWS::AccountId'
    ])
    expect(placeholdersIn('errors/!{firehose:error-output-type}/')).toEqual([])
  })

  it('become the shortest function of CloudFormation that says the same', () => {
    const text = `${attributeOf('Key', 'Arn')}/*`
    expect(
      rendered({
        ref: refTo('Stream'),
        attribute: attributeOf('Key', 'Arn'),
        within: [text],
        plain: 'x',
        none: undefined
      })
    ).toEqual({
      ref: { Ref: 'Stream' },
      attribute: { 'Fn::GetAtt': ['Key', 'Arn'] },
      within: [{ 'Fn::Sub': text }],
      plain: 'x'
    })
  })

  it('take values where there are some, and stay where there are none', () => {
    const text = `${refTo('AWS::Region')}/${refTo('Stream')}`
    expect(substitute([text], name => (name === 'AWS::Region' ? 'eu-west-1' : undefined))).toEqual([
      `eu-west-1/${refTo('Stream')}`
    ])
  })

  it('do not make new ones of what they are given', () => {
    const text = refTo('AWS::Region')
    expect(substitute(text, () => refTo('AWS::AccountId'))).toBe(refTo('AWS::AccountId'))
  })
})
