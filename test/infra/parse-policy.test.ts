import { describe, expect, it } from 'vitest'
import { InvalidOptionError } from '../../core/errors.ts'
import { evaluate, type PolicyDocument, parsePolicy } from '../../infra/index.ts'

const statement = { Effect: 'Allow', Action: 'kms:Decrypt', Resource: '*' }

function failureOf(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    if (error instanceof InvalidOptionError) return error.message
    throw error
  }
  return 'none'
}

describe('parsePolicy', () => {
  it('takes text, percent-encoded text, and what was parsed', () => {
    const policy = { Version: '2012-10-17', Id: 'i', Statement: [{ Sid: 's', ...statement }] }
    const text = JSON.stringify(policy)
    for (const form of [text, encodeURIComponent(text), policy]) expect(parsePolicy(form)).toEqual(policy)
  })

  it('makes a list of a single statement, and text of numbers and truth values', () => {
    const Condition = { Bool: { 'aws:SecureTransport': false }, NumericLessThan: { 's3:TlsVersion': [1.2] } }
    expect(parsePolicy({ Statement: { ...statement, Condition } })).toEqual({
      Statement: [
        {
          ...statement,
          Condition: {
            Bool: { 'aws:SecureTransport': 'false' },
            NumericLessThan: { 's3:TlsVersion': ['1.2'] }
          }
        }
      ]
    })
  })

  it.each([
    ['policy: is no JSON', '{'],
    ['policy: expected an object', '[]'],
    ['policy: expected an object', undefined],
    ["policy.Version: expected '2012-10-17' or '2008-10-17'", { Version: '2020-01-01', Statement: [] }],
    ['policy.Statement: is missing', {}],
    ['policy.Statements: unknown; known are Version, Id, Statement', { Statements: [] }],
    [
      "policy.Statement[0].Effect: expected 'Allow' or 'Deny'",
      { Statement: { ...statement, Effect: 'allow' } }
    ],
    ['policy.Statement[0].Action: is missing', { Statement: { Effect: 'Allow', Resource: '*' } }],
    [
      'policy.Statement[0].NotAction: cannot stand beside Action',
      { Statement: { ...statement, NotAction: '*' } }
    ],
    [
      'policy.Statement[0].Action: expected * or a service and an action, such as kms:Decrypt',
      { Statement: { ...statement, Action: ['Decrypt'] } }
    ],
    [
      'policy.Statement[1].Resource: expected a string, found number',
      { Statement: [statement, { ...statement, Resource: [1] }] }
    ],
    ['policy.Statement[0].Principal: expected an object', { Statement: { ...statement, Principal: 'me' } }],
    [
      'policy.Statement[0].Principal.AWS: a wildcard can only stand for everyone',
      { Statement: { ...statement, Principal: { AWS: 'arn:aws:iam::111122223333:role/*' } } }
    ],
    [
      'policy.Statement[0].Condition.StringEqual: unknown condition operator StringEqual',
      { Statement: { ...statement, Condition: { StringEqual: {} } } }
    ],
    [
      'policy.Statement[0].Condition.NullIfExists: unknown condition operator NullIfExists',
      { Statement: { ...statement, Condition: { NullIfExists: { k: 'true' } } } }
    ],
    [
      'policy.Statement[0].Condition.NumericLessThan.k: expected a number',
      { Statement: { ...statement, Condition: { NumericLessThan: { k: ['1', 'x'] } } } }
    ],
    [
      'policy.Statement[0].Condition.IpAddress.k: expected an address or a range of addresses (CIDR)',
      { Statement: { ...statement, Condition: { IpAddress: { k: '10.0.0.0/33' } } } }
    ],
    [
      'policy.Statement[0].Condition.Null.k: expected true or false',
      { Statement: { ...statement, Condition: { Null: { k: 'yes' } } } }
    ],
    [
      'policy.Statement[0].Resource: holds ${EnvelopeKey.Arn}, which is no policy variable',
      { Version: '2012-10-17', Statement: { ...statement, Resource: '${EnvelopeKey.Arn}' } }
    ],
    [
      'policy.Statement[0].Condition.StringEquals.k: holds ${AWS::AccountId}, which is no policy variable',
      {
        Version: '2012-10-17',
        Statement: { ...statement, Condition: { StringEquals: { k: '${AWS::AccountId}' } } }
      }
    ]
  ])('says "%s"', (message, policy) => {
    expect(failureOf(() => parsePolicy(policy))).toBe(`option ${message}`)
  })
})

describe('the evaluator', () => {
  const request = {
    principal: { arn: 'arn:aws:iam::111122223333:role/r', accountId: '111122223333' },
    action: 'sqs:SendMessage',
    resource: '*'
  }
  const named = (Statement: object) => ({
    name: 'mine',
    document: { Statement: [Statement] } as unknown as PolicyDocument
  })

  it('refuses a policy that AWS would refuse, whether or not it is about the request', () => {
    const wrong = named({ ...statement, Condition: { StringIs: { k: 'v' } } })
    const message = 'option mine.Statement[0].Condition.StringIs: unknown condition operator StringIs'
    expect(failureOf(() => evaluate(request, { identity: [wrong] }))).toBe(message)
    expect(failureOf(() => evaluate(request, { limits: [wrong] }))).toBe(message)
  })

  it('refuses a policy that cannot stand where it does', () => {
    const withPrincipal = named({ ...statement, Principal: '*' })
    const { Resource: _, ...withoutResource } = statement
    expect(failureOf(() => evaluate(request, { identity: [withPrincipal] }))).toBe(
      'option mine.Statement[0].Principal: cannot be in the policy of an identity'
    )
    expect(failureOf(() => evaluate(request, { identity: [named(withoutResource)] }))).toBe(
      'option mine.Statement[0].Resource: is missing'
    )
    expect(failureOf(() => evaluate(request, { resource: named(statement) }))).toBe(
      'option mine.Statement[0].Principal: is missing'
    )
  })
})
