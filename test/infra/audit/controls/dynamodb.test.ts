import { describe, expect, it } from 'vitest'
import { ddb06 } from '../../../../infra/audit/controls/dynamodb/ddb-06.ts'
import { dynamodbControls } from '../../../../infra/audit/controls/dynamodb/index.ts'
import { describeControl, modelOfTemplate, policy, resource } from '../../../helpers/audit.ts'

const at = 'us-east-1:123456789012'
const tableArn = `arn:aws:dynamodb:${at}:table/leases`
const consumerArn = 'arn:aws:iam::123456789012:role/consumer'
const control = (id: string) => dynamodbControls.find(each => each.id === id)!

const leaseKey = { KeySchema: [{ AttributeName: 'leaseKey', KeyType: 'HASH' }] }
const table = (properties = {}) =>
  resource('DynamoDB::Table', { TableName: 'leases', ...leaseKey, ...properties })
const global = (replica: object, properties = {}) =>
  resource('DynamoDB::GlobalTable', {
    ...leaseKey,
    ...properties,
    Replicas: [{ Region: 'us-east-1', ...replica }]
  })
const role = (...statements: readonly Record<string, unknown>[]) =>
  resource('IAM::Role', {
    RoleName: 'consumer',
    Policies: [{ PolicyName: 'own', PolicyDocument: policy(...statements) }]
  })
const encrypted = (KMSMasterKeyId: unknown) => ({ SSEEnabled: true, SSEType: 'KMS', KMSMasterKeyId })

describeControl(control('DDB-01'), [
  {
    title: 'passes with a customer-managed key, in each replica',
    resources: {
      Table: table({ SSESpecification: encrypted({ 'Fn::GetAtt': ['Key', 'Arn'] }) }),
      Global: global(
        { SSESpecification: { KMSMasterKeyId: 'alias/state' } },
        { SSESpecification: { SSEEnabled: true, SSEType: 'KMS' } }
      ),
      Key: resource('KMS::Key')
    },
    findings: { Table: 'pass', Global: 'pass' }
  },
  {
    title: 'fails for the key that AWS owns, and for the one it manages',
    resources: {
      Owned: table(),
      Managed: table({ SSESpecification: { SSEEnabled: true } }),
      Global: global({}, { SSESpecification: { SSEEnabled: true } })
    },
    findings: { Owned: 'fail', Managed: 'fail', Global: 'fail' },
    evidence: /a key that AWS owns[\s\S]*KMSMasterKeyId of the replica in us-east-1 is not set/
  },
  {
    title: 'does not decide on a key that cannot be told',
    resources: { Table: table({ SSESpecification: encrypted({ 'Fn::ImportValue': 'key' }) }) },
    findings: { Table: 'error' }
  }
])

const holdsLeases = { Action: ['dynamodb:UpdateItem', 'dynamodb:Scan'], Resource: tableArn }

describeControl(control('DDB-02'), [
  {
    title: 'passes for a role that holds leases and no more, beside one that makes tables and holds none',
    resources: {
      Table: table(),
      Consumer: role(holdsLeases),
      Deployer: resource('IAM::Role', {
        Policies: [{ PolicyName: 'own', PolicyDocument: policy({ Action: 'dynamodb:CreateTable' }) }]
      })
    },
    findings: { Table: 'pass' }
  },
  {
    title: 'fails for a role that the KCL was given to make its own table',
    resources: {
      Table: table(),
      Consumer: role(holdsLeases, {
        Action: ['dynamodb:CreateTable', 'dynamodb:UpdateTable'],
        Resource: tableArn
      })
    },
    findings: { Table: 'fail' },
    evidence: /^Consumer may dynamodb:CreateTable, dynamodb:UpdateTable$/
  },
  {
    title: 'does not decide for a role with policies that are kept elsewhere',
    resources: {
      Table: table(),
      Consumer: resource('IAM::Role', { ManagedPolicyArns: [{ 'Fn::ImportValue': 'policy' }] })
    },
    findings: { Table: 'error' }
  },
  {
    title: 'has nothing to say of a table without leases',
    resources: { Table: table({ KeySchema: [{ AttributeName: 'orderId', KeyType: 'HASH' }] }) },
    findings: {}
  }
])

const restorable = {
  PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
  DeletionProtectionEnabled: true
}

describeControl(control('DDB-03'), [
  {
    title: 'passes with both, in each replica',
    resources: { Table: table(restorable), Global: global(restorable) },
    findings: { Table: 'pass', Global: 'pass' }
  },
  {
    title: 'fails without either',
    resources: {
      Bare: table(),
      Unprotected: table({ ...restorable, DeletionProtectionEnabled: false }),
      Global: global({ DeletionProtectionEnabled: true })
    },
    findings: { Bare: 'fail', Unprotected: 'fail', Global: 'fail' }
  },
  {
    title: 'does not decide on a setting that cannot be told',
    resources: {
      Table: table({ ...restorable, DeletionProtectionEnabled: { 'Fn::ImportValue': 'protected' } })
    },
    findings: { Table: 'error' }
  }
])

const onlyConsumer = (actions: unknown, principals: unknown = [consumerArn]) => ({
  ResourcePolicy: {
    PolicyDocument: policy({
      Effect: 'Deny',
      Principal: '*',
      Action: actions,
      Resource: tableArn,
      Condition: { ArnNotEquals: { 'aws:PrincipalArn': principals } }
    })
  }
})
const items = ['Get', 'Put', 'Update', 'Delete'].map(verb => `dynamodb:${verb}Item`)

describeControl(control('DDB-04'), [
  {
    title: 'passes where all but the consumer are denied',
    resources: { Table: table(onlyConsumer([...items, 'dynamodb:Query', 'dynamodb:Scan'])) },
    findings: { Table: 'pass' }
  },
  {
    title: 'fails without a policy',
    resources: { Table: table() },
    findings: { Table: 'fail' },
    evidence: /^whomever IAM lets may dynamodb:GetItem, /
  },
  {
    title: 'fails where reading it is forgotten',
    resources: { Table: table(onlyConsumer(items)) },
    findings: { Table: 'fail' },
    evidence: /^whomever IAM lets may dynamodb:Query, dynamodb:Scan$/
  },
  {
    title: 'fails for a policy that lets nobody in',
    resources: {
      Table: table({
        ResourcePolicy: {
          PolicyDocument: policy({ Effect: 'Deny', Principal: '*', Action: 'dynamodb:*', Resource: tableArn })
        }
      }),
      Consumer: role(holdsLeases)
    },
    findings: { Table: 'fail' },
    evidence: /^its policy lets nobody hold leases$/
  },
  {
    title: 'does not decide on a policy that cannot be told',
    resources: { Table: table({ ResourcePolicy: { 'Fn::ImportValue': 'policy' } }) },
    findings: { Table: 'error' }
  }
])

const gateway = (Resource: unknown) =>
  resource('EC2::VPCEndpoint', {
    ServiceName: 'com.amazonaws.us-east-1.dynamodb',
    VpcEndpointType: 'Gateway',
    PolicyDocument: policy({ Principal: '*', Action: 'dynamodb:*', Resource })
  })

describeControl(control('DDB-05'), [
  {
    title: 'passes with a gateway for this table alone, which has no DNS of its own',
    resources: { Table: table(), Gateway: gateway([tableArn, `${tableArn}/index/*`]) },
    findings: { Table: 'pass' }
  },
  {
    title: 'fails with a gateway for the tables of all',
    resources: { Table: table(), Gateway: gateway('*') },
    findings: { Table: 'fail' },
    evidence: /^Gateway lets through dynamodb:UpdateItem elsewhere$/
  },
  { title: 'fails without one', resources: { Table: table() }, findings: { Table: 'fail' } }
])

describe('DDB-06', () => {
  it('leaves it to people whether a table was moved, and fails for one whose key is gone', () => {
    const model = modelOfTemplate({
      Table: table(),
      Lost: table({ SSEDescription: { InaccessibleEncryptionDateTime: '2026-11-01T00:00:00Z' } }),
      Other: resource('DynamoDB::Table')
    })
    expect(ddb06.evaluate(model).map(({ resourceId, status }) => [resourceId, status])).toEqual([
      ['Table', 'manual'],
      ['Lost', 'fail']
    ])
  })
})
