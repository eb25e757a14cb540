import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type AccessGrant,
  type AccessPolicies,
  evaluate,
  type PolicyConditions,
  type PolicyDocument,
  type PolicyStatement
} from '../../infra/index.ts'
import { seeds } from '../helpers/seeds.ts'

const accountId = '111122223333'
const role = `arn:aws:iam::${accountId}:role/app`
const root = `arn:aws:iam::${accountId}:root`
const foreignRole = 'arn:aws:iam::444455556666:role/app'
const queue = `arn:aws:sqs:eu-central-1:${accountId}:orders`
const key = `arn:aws:kms:eu-central-1:${accountId}:key/k`
const service = 'logs.eu-central-1.amazonaws.com'

function policy(name: string, ...Statement: readonly PolicyStatement[]) {
  const document: PolicyDocument = { Version: '2012-10-17', Statement }
  return { name, document }
}

function allow(more: Partial<PolicyStatement> = {}): PolicyStatement {
  return { Effect: 'Allow', Action: '*', Resource: '*', ...more }
}

function deny(more: Partial<PolicyStatement> = {}): PolicyStatement {
  return { Effect: 'Deny', Action: '*', Resource: '*', ...more }
}

interface Asked {
  readonly principal?: string
  readonly action?: string
  readonly resource?: string
  readonly context?: Readonly<Record<string, string | readonly string[]>>
}

function decide(policies: AccessPolicies, asked: Asked = {}) {
  const { principal = role, action = 'sqs:SendMessage', resource = queue, context = {} } = asked
  const account = principal.startsWith('arn:') ? principal.split(':')[4] : undefined
  return evaluate({ principal: { arn: principal, accountId: account }, action, resource, context }, policies)
}

const effect = (policies: AccessPolicies, asked?: Asked) => decide(policies, asked).effect

/** What one statement of the identity says. */
function allows(statement: Partial<PolicyStatement>, asked?: Asked): boolean {
  return effect({ identity: [policy('identity', allow(statement))] }, asked) === 'allow'
}

function holds(Condition: PolicyConditions, context: Asked['context'] = {}): boolean {
  return allows({ Condition }, { context })
}

describe('the order of decision', () => {
  const open = { identity: [policy('identity', allow())] }

  it('allows nothing that no policy speaks of', () => {
    expect(decide({})).toEqual({ effect: 'implicitDeny', reason: 'no policy allows sqs:SendMessage' })
  })

  it('puts a Deny of any policy over every Allow, and tells which', () => {
    expect(
      decide({ ...open, identity: [...open.identity, policy('more', allow(), deny({ Sid: 'No' }))] })
    ).toEqual({
      effect: 'explicitDeny',
      decidedBy: { policy: 'more', sid: 'No', index: 1 },
      reason: 'No of more denies sqs:SendMessage'
    })
    expect(effect({ ...open, resource: policy('resource', deny({ Principal: '*' })) })).toBe('explicitDeny')
    expect(effect({ ...open, limits: [policy('boundary', allow(), deny())] })).toBe('explicitDeny')
  })

  it('denies implicitly what a limit does not allow, even where the resource allows it', () => {
    const resource = policy('resource', allow({ Principal: { AWS: role } }))
    const limits = [policy('organization', allow()), policy('boundary', allow({ Action: 'kms:*' }))]
    expect(decide({ ...open, resource, limits })).toEqual({
      effect: 'implicitDeny',
      reason: 'the limit boundary does not allow sqs:SendMessage'
    })
    expect(effect({ ...open, limits: [policy('boundary', allow())] })).toBe('allow')
    expect(effect({ limits: [policy('boundary', allow())] })).toBe('implicitDeny')
  })
})

describe('identity and resource', () => {
  const identity = [policy('identity', allow())]
  const naming = policy('resource', allow({ Principal: { AWS: role } }))
  const delegating = policy('resource', allow({ Principal: { AWS: root } }))

  it('asks for one of them within an account', () => {
    expect(effect({ identity })).toBe('allow')
    expect(effect({ resource: naming })).toBe('allow')
    expect(effect({ resource: policy('resource', allow({ Principal: '*' })) })).toBe('allow')
  })

  it('takes a resource policy for the account as leave for the policies of the identity', () => {
    for (const account of [root, accountId]) {
      const resource = policy('resource', allow({ Principal: { AWS: account } }))
      expect(effect({ resource })).toBe('implicitDeny')
      expect(decide({ resource, identity }).decidedBy?.policy).toBe('identity')
      expect(effect({ resource }, { principal: root })).toBe('allow')
    }
  })

  it('asks for both between accounts', () => {
    const theirs = { principal: foreignRole }
    for (const name of [foreignRole, 'arn:aws:iam::444455556666:root', '444455556666', '*']) {
      const resource = policy('resource', allow({ Principal: { AWS: name } }))
      expect(effect({ resource }, theirs)).toBe('implicitDeny')
      expect(effect({ resource, identity }, theirs)).toBe('allow')
    }
    expect(effect({ identity }, theirs)).toBe('implicitDeny')
    expect(effect({ identity, resource: delegating }, theirs)).toBe('implicitDeny')
  })

  it('tells the account of a resource that has none in its ARN', () => {
    const request = {
      principal: { arn: foreignRole, accountId: '444455556666' },
      action: 's3:GetObject',
      resource: 'arn:aws:s3:::bucket/key'
    }
    expect(evaluate(request, { identity }).effect).toBe('allow')
    expect(evaluate({ ...request, resourceAccountId: accountId }, { identity }).effect).toBe('implicitDeny')
  })

  it('lets a service do what the resource policy names it for', () => {
    const resource = policy('resource', allow({ Principal: { Service: [service, 'sns.amazonaws.com'] } }))
    expect(effect({ resource }, { principal: service })).toBe('allow')
    expect(effect({ resource }, { principal: 'sqs.amazonaws.com' })).toBe('implicitDeny')
    expect(effect({ resource: naming, identity }, { principal: service })).toBe('implicitDeny')
    expect(effect({ resource })).toBe('implicitDeny')
  })

  it('reaches a whole account with a Deny', () => {
    const resource = policy('resource', deny({ Principal: { AWS: accountId } }))
    expect(effect({ identity, resource })).toBe('explicitDeny')
  })

  it('spares from a Deny to all others only who is listed with the account', () => {
    const sparing = (...AWS: string[]) => ({
      identity,
      resource: policy('resource', {
        Effect: 'Deny',
        NotPrincipal: { AWS },
        Action: '*',
        Resource: '*'
      } as const)
    })
    expect(effect(sparing(role, root))).toBe('allow')
    expect(effect(sparing(role))).toBe('explicitDeny')
    expect(effect(sparing(root))).toBe('explicitDeny')
  })

  it('leaves out of an Allow to all others who is listed, and their account', () => {
    const except = (AWS: string) => ({
      resource: policy('resource', {
        Effect: 'Allow',
        NotPrincipal: { AWS },
        Action: '*',
        Resource: '*'
      } as const)
    })
    expect(effect(except(foreignRole))).toBe('allow')
    expect(effect(except(role))).toBe('implicitDeny')
    expect(effect(except(root))).toBe('implicitDeny')
  })
})

describe('the trust of a role', () => {
  const assume = { action: 'sts:AssumeRole', resource: `arn:aws:iam::${accountId}:role/other` }
  const identity = [policy('identity', allow())]

  it('is given by the trust policy alone, or handed to the policies of the identity', () => {
    const trust = (AWS: string) =>
      policy('trust', { Effect: 'Allow', Principal: { AWS }, Action: 'sts:AssumeRole' })
    expect(effect({ identity }, assume)).toBe('implicitDeny')
    expect(effect({ resource: trust(role) }, assume)).toBe('allow')
    expect(effect({ resource: trust(root) }, assume)).toBe('implicitDeny')
    expect(effect({ resource: trust(root), identity }, assume)).toBe('allow')
  })
})

describe('a KMS key', () => {
  const identity = [policy('identity', allow())]
  const decrypt = { action: 'kms:Decrypt', resource: key }

  it('is never opened by the policies of an identity alone', () => {
    const resource = policy('key', allow({ Principal: { AWS: foreignRole } }))
    expect(effect({ identity }, decrypt)).toBe('implicitDeny')
    expect(decide({ identity, resource }, decrypt).reason).toBe(
      "no policy of the resource allows kms:Decrypt, and the identity's is not enough"
    )
  })

  it('is opened by its policy: by name, or together with an identity that it leaves it to', () => {
    const resource = policy('key', allow({ Sid: 'Iam', Principal: { AWS: root }, Action: 'kms:*' }))
    expect(effect({ resource: policy('key', allow({ Principal: { AWS: role } })) }, decrypt)).toBe('allow')
    expect(decide({ resource }, decrypt).reason).toBe(
      "Iam of key leaves kms:Decrypt to the identity's policies, and none allows it"
    )
    expect(decide({ resource, identity }, decrypt)).toEqual({
      effect: 'allow',
      decidedBy: { policy: 'identity', sid: undefined, index: 0 },
      reason: 'statement 0 of identity allows kms:Decrypt, and Iam of key lets it'
    })
  })

  it('has no say in what is about no key, or about an alias', () => {
    expect(effect({ identity }, { action: 'kms:CreateKey', resource: '*' })).toBe('allow')
    const alias = `arn:aws:kms:eu-central-1:${accountId}:alias/a`
    expect(effect({ identity }, { action: 'kms:CreateAlias', resource: alias })).toBe('allow')
  })

  describe('with a grant', () => {
    const grant: AccessGrant = { name: 'g', granteePrincipal: role, operations: ['Decrypt', 'DescribeKey'] }
    const granted = (
      more: Partial<AccessGrant>,
      pairs: Readonly<Record<string, string>> = {},
      action = 'kms:Decrypt'
    ) =>
      effect(
        { grants: [{ ...grant, ...more }] },
        {
          action,
          resource: key,
          context: Object.fromEntries(
            Object.entries(pairs).map(([name, value]) => [`kms:EncryptionContext:${name}`, value])
          )
        }
      )

    it('is opened for the grantee and the operations of the grant, without any policy', () => {
      expect(decide({ grants: [grant] }, decrypt)).toEqual({
        effect: 'allow',
        grant: 'g',
        reason: 'the grant g allows kms:Decrypt'
      })
      expect(granted({ granteePrincipal: foreignRole })).toBe('implicitDeny')
      expect(granted({}, {}, 'kms:Encrypt')).toBe('implicitDeny')
    })

    it('stays closed where a policy denies', () => {
      const resource = policy('key', deny({ Principal: '*' }))
      expect(effect({ grants: [grant], resource }, decrypt)).toBe('explicitDeny')
    })

    it('holds the constraints on the encryption context, and on operations that have none asks for none', () => {
      expect(granted({ contextSubset: { a: '1' } }, { a: '1', b: '2' })).toBe('allow')
      expect(granted({ contextSubset: { a: '1' } }, { a: '2' })).toBe('implicitDeny')
      expect(granted({ contextEquals: { a: '1' } }, { A: '1' })).toBe('allow')
      expect(granted({ contextEquals: { a: '1' } }, { a: '1', b: '2' })).toBe('implicitDeny')
      expect(granted({ contextEquals: { a: '1' } })).toBe('implicitDeny')
      expect(granted({ contextEquals: { a: '1' } }, {}, 'kms:DescribeKey')).toBe('allow')
    })
  })
})

describe('actions and resources', () => {
  it('compares actions without regard to case, with wildcards', () => {
    for (const Action of [
      'sqs:SendMessage',
      'SQS:sendmessage',
      'sqs:*',
      'sqs:Send*',
      'sqs:?endMessage',
      '*:*'
    ]) {
      expect(allows({ Action })).toBe(true)
    }
    for (const Action of ['sqs:SendMessages', 'sqs:Send', 'sns:*', 'sqs:?SendMessage']) {
      expect(allows({ Action })).toBe(false)
    }
  })

  it('turns NotAction and NotResource around', () => {
    const except = (more: object) =>
      effect({ identity: [policy('identity', { Effect: 'Allow', ...more } as PolicyStatement)] })
    expect(except({ NotAction: 'kms:*', Resource: '*' })).toBe('allow')
    expect(except({ NotAction: ['kms:*', 'sqs:*'], Resource: '*' })).toBe('implicitDeny')
    expect(except({ Action: '*', NotResource: [key] })).toBe('allow')
    expect(except({ Action: '*', NotResource: [key, queue] })).toBe('implicitDeny')
  })

  it.each([
    [true, 'arn:aws:sqs:*:111122223333:orders', queue],
    [true, 'arn:aws:sqs:*', queue],
    [true, 'arn:aws:sqs:eu-*-1:111122223333:o?ders', queue],
    [false, 'arn:aws:sqs:eu*3:orders', queue],
    [false, 'arn:aws:sqs:eu-central-1?111122223333:orders', queue],
    [false, 'arn:aws:sqs:eu-central-1:111122223333:ORDERS', queue],
    [true, 'arn:aws:s3:::b/*.json', 'arn:aws:s3:::b/a:b/c.json'],
    [false, 'arn:aws:s3:::b/*.json', 'arn:aws:s3:::bb/c.json'],
    [
      true,
      `arn:aws:logs:r:${accountId}:log-group:/a/*:log-stream:*`,
      `arn:aws:logs:r:${accountId}:log-group:/a/b:log-stream:c:d`
    ],
    [false, key, '*']
  ])('%s: resource %s covers %s', (expected, Resource, resource) => {
    expect(allows({ Resource }, { resource })).toBe(expected)
  })

  it('is not slowed down by a pattern of many wildcards', () => {
    const Resource = `arn:aws:s3:::${'*a'.repeat(60)}b`
    expect(allows({ Resource }, { resource: `arn:aws:s3:::${'a'.repeat(900)}` })).toBe(false)
  })

  it('fills variables of the request into resources and conditions, and takes what they stand for literally', () => {
    const Resource = 'arn:aws:s3:::b/${aws:username}/*'
    const named = (username: string) => ({
      resource: 'arn:aws:s3:::b/eve/x',
      context: { 'aws:username': username }
    })
    expect(allows({ Resource }, named('eve'))).toBe(true)
    expect(allows({ Resource }, named('*'))).toBe(false)
    const several = { resource: 'arn:aws:s3:::b/eve/x', context: { 'aws:username': ['eve', 'bob'] } }
    expect(allows({ Resource }, several)).toBe(false)
    expect(allows({ Resource }, { resource: 'arn:aws:s3:::b/eve/x' })).toBe(false)
    const withDefault = "arn:aws:s3:::b/${aws:username, 'eve'}/*"
    expect(allows({ Resource: withDefault }, { resource: 'arn:aws:s3:::b/eve/x' })).toBe(true)
    const escaped = 'arn:aws:s3:::b/${*}${?}${$}'
    expect(allows({ Resource: escaped }, { resource: 'arn:aws:s3:::b/*?$' })).toBe(true)
    expect(allows({ Resource: escaped }, { resource: 'arn:aws:s3:::b/ab$' })).toBe(false)
    expect(holds({ StringEquals: { 'aws:ResourceAccount': '${aws:PrincipalAccount}' } })).toBe(true)
  })

  it('leaves variables alone in a policy of the older version', () => {
    const document: PolicyDocument = { Statement: [allow({ Resource: 'arn:aws:s3:::b/${aws:username}' })] }
    const asked = { action: 's3:GetObject', context: { 'aws:username': 'eve' } }
    const identity = [{ name: 'old', document }]
    expect(effect({ identity }, { ...asked, resource: 'arn:aws:s3:::b/eve' })).toBe('implicitDeny')
    expect(effect({ identity }, { ...asked, resource: 'arn:aws:s3:::b/${aws:username}' })).toBe('allow')
  })
})

describe('condition operators', () => {
  it.each([
    [true, 'StringEquals', 'a', 'a'],
    [false, 'StringEquals', 'a', 'A'],
    [false, 'StringEquals', '*', 'a'],
    [false, 'StringNotEquals', 'a', 'a'],
    [true, 'StringNotEquals', 'a', 'A'],
    [true, 'StringEqualsIgnoreCase', 'a', 'A'],
    [false, 'StringNotEqualsIgnoreCase', 'a', 'A'],
    [true, 'StringLike', 'a*c?', 'abbcd'],
    [false, 'StringLike', 'a*c?', 'abbc'],
    [false, 'StringNotLike', 'a*', 'ab'],
    [true, 'StringNotLike', 'a*', 'b'],
    [true, 'ArnEquals', 'arn:aws:sqs:*:1:q', 'arn:aws:sqs:r:1:q'],
    [true, 'ArnLike', 'arn:aws:sqs:r:1:*', 'arn:aws:sqs:r:1:q:x'],
    [false, 'ArnLike', 'arn:aws:sqs:*:q', 'arn:aws:sqs:r:1:q'],
    [false, 'ArnLike', 'arn:aws:*', 'arn:aws:sqs:r:1:q'],
    [true, 'ArnLike', '*', 'arn:aws:sqs:r:1:q'],
    [false, 'ArnLike', '*', 'no arn'],
    [false, 'ArnNotEquals', 'arn:aws:sqs:*:1:q', 'arn:aws:sqs:r:1:q'],
    [true, 'ArnNotLike', 'arn:aws:sqs:r:2:q', 'arn:aws:sqs:r:1:q'],
    [true, 'NumericEquals', '10', '1e1'],
    [true, 'NumericNotEquals', '10', '11'],
    [true, 'NumericLessThan', '1.2', '1.1'],
    [false, 'NumericLessThan', '1.2', '1.2'],
    [false, 'NumericLessThan', '30', 'few'],
    [true, 'NumericLessThanEquals', '1.2', '1.2'],
    [true, 'NumericGreaterThan', '9', '10'],
    [true, 'NumericGreaterThanEquals', '10', '10'],
    [true, 'DateEquals', '2026-11-25T00:00:00Z', '2026-11-25T01:00:00+01:00'],
    [true, 'DateNotEquals', '2026-11-25', '2026-11-26'],
    [true, 'DateLessThan', '2026-11-25T00:00:00Z', '1700000000'],
    [false, 'DateLessThan', '2026-11-25', '2026-11-25'],
    [true, 'DateLessThanEquals', '2026-11-25', '2026-11-25'],
    [true, 'DateGreaterThan', '2026-11-25', '2026-11-25T00:00:01Z'],
    [true, 'DateGreaterThanEquals', '2026-11-25', '2026-11-25'],
    [true, 'Bool', 'true', 'TRUE'],
    [false, 'Bool', 'true', 'false'],
    [true, 'BinaryEquals', 'QQ==', 'QQ=='],
    [false, 'BinaryEquals', 'QQ==', 'Qg=='],
    [true, 'IpAddress', '203.0.113.0/24', '203.0.113.9'],
    [false, 'IpAddress', '203.0.113.0/24', '203.0.114.9'],
    [true, 'IpAddress', '203.0.113.9', '203.0.113.9'],
    [true, 'IpAddress', '2001:db8::/32', '2001:db8:1::1'],
    [false, 'IpAddress', '2001:db8::/32', '203.0.113.9'],
    [false, 'IpAddress', '0.0.0.0/0', 'nowhere'],
    [true, 'NotIpAddress', '203.0.113.0/24', '2001:db8::1'],
    [false, 'NotIpAddress', '203.0.113.0/24', '203.0.113.9']
  ])('%s: %s %s compares %s', (expected, operator, value, actual) => {
    expect(holds({ [operator]: { 'x:Key': value } }, { 'x:Key': actual })).toBe(expected)
    expect(holds({ [`${operator}IfExists`]: { 'x:Key': value } }, { 'x:Key': actual })).toBe(expected)
  })

  it('takes several values as alternatives, and several keys and operators together', () => {
    expect(holds({ StringEquals: { k: ['a', 'b'] } }, { k: 'b' })).toBe(true)
    expect(holds({ StringNotEquals: { k: ['a', 'b'] } }, { k: 'b' })).toBe(false)
    expect(holds({ StringEquals: { k: 'a', l: 'b' } }, { k: 'a', l: 'c' })).toBe(false)
    expect(holds({ StringEquals: { k: 'a' }, Bool: { l: 'true' } }, { k: 'a', l: 'true' })).toBe(true)
    expect(holds({ StringEquals: { k: 'a' }, Bool: { l: 'true' } }, { k: 'a', l: 'false' })).toBe(false)
  })

  it('holds without the key only where it is negated, or may be missing', () => {
    expect(holds({ StringEquals: { k: 'a' } })).toBe(false)
    expect(holds({ StringEqualsIfExists: { k: 'a' } })).toBe(true)
    expect(holds({ StringNotEquals: { k: 'a' } })).toBe(true)
    expect(holds({ StringNotEqualsIfExists: { k: 'a' } })).toBe(true)
    expect(holds({ NumericLessThan: { k: '1' } })).toBe(false)
    expect(holds({ 'ForAllValues:StringEquals': { k: 'a' } })).toBe(true)
    expect(holds({ 'ForAnyValue:StringEquals': { k: 'a' } })).toBe(false)
    expect(holds({ 'ForAnyValue:StringNotEquals': { k: 'a' } })).toBe(false)
    expect(holds({ 'ForAnyValue:StringEqualsIfExists': { k: 'a' } })).toBe(true)
  })

  it('asks with Null for the key itself; a key without a value is missing', () => {
    expect(holds({ Null: { k: 'true' } })).toBe(true)
    expect(holds({ Null: { k: 'false' } })).toBe(false)
    expect(holds({ Null: { k: 'true' } }, { k: '' })).toBe(false)
    expect(holds({ Null: { k: 'true' } }, { k: [] })).toBe(true)
  })

  it('compares every value of a key, or any', () => {
    const values = (operator: string, ...actual: string[]) =>
      holds({ [operator]: { k: ['a', 'b'] } }, { k: actual })
    expect(values('ForAllValues:StringEquals', 'a', 'b', 'a')).toBe(true)
    expect(values('ForAllValues:StringEquals', 'a', 'c')).toBe(false)
    expect(values('ForAnyValue:StringEquals', 'a', 'c')).toBe(true)
    expect(values('ForAnyValue:StringEquals', 'c', 'd')).toBe(false)
    expect(values('ForAllValues:StringNotEquals', 'c', 'd')).toBe(true)
    expect(values('ForAllValues:StringNotEquals', 'c', 'a')).toBe(false)
    expect(values('ForAnyValue:StringNotEquals', 'c', 'a')).toBe(true)
    expect(values('ForAnyValue:StringNotEquals', 'b', 'a')).toBe(false)
  })

  it('compares names of keys without regard to case, and those of an encryption context as well', () => {
    expect(holds({ StringEquals: { 'AWS:sourcevpce': 'v' } }, { 'aws:SourceVpce': 'v' })).toBe(true)
    const context = { 'kms:EncryptionContext:Stream': 's' }
    expect(holds({ StringEquals: { 'kms:EncryptionContext:stream': 's' } }, context)).toBe(true)
    const exact = { 'ForAllValues:StringEquals': { 'kms:EncryptionContextKeys': ['stream'] } }
    expect(holds(exact, context)).toBe(false)
    expect(holds(exact, { 'kms:EncryptionContext:stream': 's' })).toBe(true)
  })

  it('knows the keys that AWS fills in', () => {
    const Condition = {
      StringEquals: {
        'aws:PrincipalArn': role,
        'aws:PrincipalAccount': accountId,
        'aws:ResourceAccount': accountId,
        'kms:CallerAccount': accountId
      },
      Bool: { 'aws:PrincipalIsAWSService': 'false' },
      Null: { 'aws:PrincipalServiceName': 'true', 'kms:EncryptionContextKeys': 'true' }
    }
    const resource = policy('key', allow({ Principal: '*', Condition }))
    expect(effect({ resource }, { action: 'kms:Decrypt', resource: key })).toBe('allow')
    const ofService = policy(
      'queue',
      allow({
        Principal: '*',
        Condition: {
          StringEquals: { 'aws:PrincipalServiceName': service },
          Bool: { 'aws:PrincipalIsAWSService': 'true' },
          Null: { 'aws:PrincipalArn': 'true', 'aws:PrincipalAccount': 'true' }
        }
      })
    )
    expect(effect({ resource: ofService }, { principal: service })).toBe('allow')
  })

  it('lets a request say itself what would be filled in', () => {
    const Condition = { StringEquals: { 'aws:PrincipalArn': 'arn:aws:iam::1:role/r' } }
    expect(holds(Condition, { 'AWS:PRINCIPALARN': 'arn:aws:iam::1:role/r' })).toBe(true)
  })
})

describe('a decision', () => {
  const contexts = fc.dictionary(
    fc.constantFrom('k', 'l', 'kms:EncryptionContext:a'),
    fc.constantFrom('1', '2')
  )
  const statements = fc.record({
    Effect: fc.constantFrom('Allow' as const, 'Deny' as const),
    Action: fc.subarray(['kms:Decrypt', 'kms:*', 'kms:Encrypt', 'sqs:*'], { minLength: 1 }),
    Resource: fc.subarray(['*', key, queue, 'arn:aws:kms:*'], { minLength: 1 }),
    Principal: fc.constantFrom({ AWS: role }, { AWS: root }, { AWS: foreignRole }, '*' as const),
    Condition: fc.constantFrom<PolicyConditions>(
      {},
      { StringEquals: { k: ['1', '2'] } },
      { StringNotEquals: { k: '1' } },
      { 'ForAllValues:StringEquals': { 'kms:EncryptionContextKeys': ['b'] } },
      { Null: { l: 'true' }, StringLikeIfExists: { k: '?' } }
    )
  })
  const requests = fc.record({
    principal: fc.constantFrom(role, foreignRole, root),
    action: fc.constantFrom('kms:Decrypt', 'kms:Encrypt', 'sqs:SendMessage'),
    resource: fc.constantFrom(key, queue),
    context: contexts
  })
  const policies = fc.record({
    identity: fc.array(statements, { maxLength: 4 }),
    resource: fc.array(statements, { maxLength: 4 })
  })
  interface Written {
    readonly identity: readonly PolicyStatement[]
    readonly resource: readonly PolicyStatement[]
  }
  const toPolicies = ({ identity, resource }: Written): AccessPolicies => ({
    identity: [policy('identity', ...identity.map(({ Principal: _, ...statement }) => statement))],
    resource: policy('resource', ...resource)
  })
  const runs = { numRuns: seeds(300) }

  it('is never taken from allow to deny by a further Allow, nor from an explicit deny', () => {
    fc.assert(
      fc.property(policies, statements, requests, fc.boolean(), (written, more, request, isIdentity) => {
        const statement = { ...more, Effect: 'Allow' as const }
        const wider = isIdentity
          ? { ...written, identity: [...written.identity, statement] }
          : { ...written, resource: [statement, ...written.resource] }
        const before = effect(toPolicies(written), request)
        const after = effect(toPolicies(wider), request)
        if (before !== 'implicitDeny') expect(after).toBe(before)
        else expect(after).not.toBe('explicitDeny')
      }),
      runs
    )
  })

  it('is never opened by a further Deny', () => {
    fc.assert(
      fc.property(policies, statements, requests, (written, more, request) => {
        const stricter = { ...written, resource: [{ ...more, Effect: 'Deny' as const }, ...written.resource] }
        const before = effect(toPolicies(written), request)
        const after = effect(toPolicies(stricter), request)
        if (before === 'allow') expect(after).not.toBe('implicitDeny')
        else if (after !== 'explicitDeny') expect(after).toBe(before)
      }),
      runs
    )
  })

  it('does not depend on the order of statements, lists or keys, on lists of one, or on the case of actions', () => {
    const rewritten = (statement: PolicyStatement): PolicyStatement => {
      const turned = (values: PolicyStatement['Action']) =>
        Array.isArray(values) ? (values.length === 1 ? values[0] : [...values].reverse()) : [values as string]
      const Condition = Object.fromEntries(
        Object.entries(statement.Condition ?? {})
          .reverse()
          .map(([operator, keys]) => [
            operator,
            Object.fromEntries(
              Object.entries(keys).map(([name, values]) => [name.toUpperCase(), turned(values)!])
            )
          ])
      )
      const Action = [turned(statement.Action)].flat().map(action => action!.toUpperCase())
      return { ...statement, Action, Resource: turned(statement.Resource)!, Condition }
    }
    fc.assert(
      fc.property(policies, requests, (written, request) => {
        const other = {
          identity: written.identity.map(rewritten).reverse(),
          resource: written.resource.map(rewritten).reverse()
        }
        expect(effect(toPolicies(other), request)).toBe(effect(toPolicies(written), request))
      }),
      runs
    )
  })
})
