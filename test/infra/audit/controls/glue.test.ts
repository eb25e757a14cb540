import { describe, expect, it } from 'vitest'
import { glu04 } from '../../../../infra/audit/controls/glue/glu-04.ts'
import { glueControls } from '../../../../infra/audit/controls/glue/index.ts'
import type { AuditModel } from '../../../../infra/audit/model.ts'
import { describeControl, modelOfTemplate, policy, resource } from '../../../helpers/audit.ts'

const control = (id: string) => glueControls.find(each => each.id === id)!
const at = 'us-east-1:123456789012'
const keyArn = `arn:aws:kms:${at}:key/k`
const untold = { 'Fn::ImportValue': 'gone' }
const unset = { Ref: 'AWS::NoValue' }
const database = resource('Glue::Database', { DatabaseInput: { Name: 'orders' } })
const stream = resource('Kinesis::Stream')

const settings = (atRest: object = {}, passwords: object = {}) =>
  resource('Glue::DataCatalogEncryptionSettings', {
    CatalogId: { Ref: 'AWS::AccountId' },
    DataCatalogEncryptionSettings: {
      EncryptionAtRest: { CatalogEncryptionMode: 'SSE-KMS', SseAwsKmsKeyId: keyArn, ...atRest },
      ConnectionPasswordEncryption: {
        ReturnConnectionPasswordEncrypted: true,
        KmsKeyId: keyArn,
        ...passwords
      }
    }
  })

describeControl(control('GLU-01'), [
  { title: 'passes with keys for both', resources: { Settings: settings() }, findings: { Settings: 'pass' } },
  {
    title: 'fails without encryption, or with keys of AWS',
    resources: {
      Off: settings({ CatalogEncryptionMode: 'DISABLED' }),
      Key: settings({ SseAwsKmsKeyId: 'alias/aws/glue' }),
      Passwords: settings({}, { ReturnConnectionPasswordEncrypted: false }),
      PasswordKey: settings({}, { KmsKeyId: unset })
    },
    findings: { Off: 'fail', Key: 'fail', Passwords: 'fail', PasswordKey: 'fail' }
  },
  {
    title: 'leaves to people what the account has where the template has something of Glue',
    resources: { Database: database },
    findings: { whole: 'manual' }
  },
  {
    title: 'does not decide on what cannot be told',
    resources: {
      Settings: resource('Glue::DataCatalogEncryptionSettings', { DataCatalogEncryptionSettings: untold })
    },
    findings: { Settings: 'error' }
  },
  { title: 'does not apply without Glue', resources: { Stream: stream }, findings: {} }
])

const configuration = (properties: object = {}) =>
  resource('Glue::SecurityConfiguration', {
    Name: 'orders',
    EncryptionConfiguration: {
      S3Encryptions: [{ S3EncryptionMode: 'SSE-KMS', KmsKeyArn: keyArn }],
      CloudWatchEncryption: { CloudWatchEncryptionMode: 'SSE-KMS', KmsKeyArn: keyArn },
      JobBookmarksEncryption: { JobBookmarksEncryptionMode: 'CSE-KMS', KmsKeyArn: keyArn },
      ...properties
    }
  })
const named = (name: unknown) => resource('Glue::Job', { SecurityConfiguration: name })

describeControl(control('GLU-02'), [
  {
    title: 'passes for a configuration with all three, and for what names it',
    resources: {
      Configuration: configuration(),
      OfS3: configuration({ S3Encryptions: [{ S3EncryptionMode: 'SSE-S3' }] }),
      Job: named({ Ref: 'Configuration' }),
      ByName: named('orders'),
      Crawler: resource('Glue::Crawler', { CrawlerSecurityConfiguration: { Ref: 'Configuration' } })
    },
    findings: { Configuration: 'pass', OfS3: 'pass', Job: 'pass', ByName: 'pass', Crawler: 'pass' }
  },
  {
    title: 'fails for what is left plain, and for jobs and crawlers without any',
    resources: {
      Output: configuration({ S3Encryptions: [] }),
      Disabled: configuration({ S3Encryptions: [{ S3EncryptionMode: 'DISABLED' }] }),
      Logs: configuration({ CloudWatchEncryption: unset }),
      Bookmarks: configuration({ JobBookmarksEncryption: { JobBookmarksEncryptionMode: 'DISABLED' } }),
      Key: configuration({ CloudWatchEncryption: { CloudWatchEncryptionMode: 'SSE-KMS' } }),
      Job: resource('Glue::Job'),
      Crawler: resource('Glue::Crawler')
    },
    findings: {
      Output: 'fail',
      Disabled: 'fail',
      Logs: 'fail',
      Bookmarks: 'fail',
      Key: 'fail',
      Job: 'fail',
      Crawler: 'fail'
    }
  },
  {
    title: 'does not decide on a configuration that is not here, or cannot be told',
    resources: {
      Elsewhere: named('other'),
      Untold: named(untold),
      Output: configuration({ S3Encryptions: untold })
    },
    findings: { Elsewhere: 'error', Untold: 'error', Output: 'error' }
  }
])

const connection = (properties: unknown, type = 'JDBC') =>
  resource('Glue::Connection', {
    ConnectionInput: { Name: 'orders', ConnectionType: type, ConnectionProperties: properties }
  })
const withSecret = {
  JDBC_CONNECTION_URL: 'jdbc:postgresql://db/orders',
  JDBC_ENFORCE_SSL: 'true',
  SECRET_ID: 's'
}

describeControl(control('GLU-03'), [
  {
    title: 'passes with TLS and a secret, and leaves connections of other kinds',
    resources: {
      Jdbc: connection(withSecret),
      Apart: resource('Glue::Connection', {
        ConnectionInput: {
          ConnectionType: 'JDBC',
          ConnectionProperties: { JDBC_ENFORCE_SSL: true },
          AuthenticationConfiguration: { SecretArn: 's' }
        }
      }),
      Network: connection({}, 'NETWORK')
    },
    findings: { Jdbc: 'pass', Apart: 'pass' }
  },
  {
    title: 'fails without TLS, without a secret, and with a password, which is never told',
    resources: {
      Plain: connection({ ...withSecret, JDBC_ENFORCE_SSL: 'false' }),
      NoSecret: connection({ ...withSecret, SECRET_ID: unset }),
      Password: connection({ ...withSecret, USERNAME: 'u', PASSWORD: 'hunter2' })
    },
    findings: { Plain: 'fail', NoSecret: 'fail', Password: 'fail' },
    evidence: /^(?![\s\S]*hunter2)[\s\S]*PASSWORD stands in the connection/
  },
  {
    title: 'does not decide on what cannot be told',
    resources: {
      Properties: connection(untold),
      Tls: connection({ ...withSecret, JDBC_ENFORCE_SSL: untold })
    },
    findings: { Properties: 'error', Tls: 'error' }
  }
])

const role = (...statements: readonly Record<string, unknown>[]) =>
  resource('IAM::Role', { Policies: [{ PolicyName: 'own', PolicyDocument: policy(...statements) }] })
const ofOrders = [
  `arn:aws:glue:${at}:catalog`,
  `arn:aws:glue:${at}:database/orders`,
  `arn:aws:glue:${at}:table/orders/*`
]

describeControl(control('GLU-04'), [
  {
    title: 'passes for a role with named databases, and leaves the policy of the catalog to people',
    resources: { Role: role({ Action: ['glue:GetTable', 'glue:GetPartitions'], Resource: ofOrders }) },
    findings: { catalog: 'manual', Role: 'pass' }
  },
  {
    title: 'fails for a role that reaches other databases',
    resources: {
      Database: database,
      Wide: role({ Action: 'glue:GetTable' }),
      Everything: role({ Action: '*' }),
      None: role({ Action: 's3:GetObject' })
    },
    findings: { catalog: 'manual', Wide: 'fail', Everything: 'fail' },
    evidence: /may glue:GetTable in other databases/
  },
  {
    title: 'does not decide on policies that cannot be told',
    resources: { Database: database, Role: resource('IAM::Role', { ManagedPolicyArns: [untold] }) },
    findings: { catalog: 'manual', Role: 'error' }
  },
  {
    title: 'does not apply without Glue: an administrator of everything is the business of others',
    resources: { Stream: stream, Role: role({ Action: '*' }) },
    findings: {}
  }
])

describe('GLU-04 of an account', () => {
  const withPolicy = (catalogPolicy?: object): AuditModel => ({
    ...modelOfTemplate({
      Database: database,
      ...(catalogPolicy === undefined
        ? {}
        : { Policy: resource('Glue::ResourcePolicy', { PolicyDocument: catalogPolicy }) })
    }),
    source: 'live'
  })
  const catalog = (model: AuditModel) => {
    const arn = `arn:aws:glue:${at}:catalog`
    const own = model.resourcePolicies.get(`arn:aws:glue:${at}:resourcepolicy/Policy`)
    // As the loader has it: the policy is that of the catalog.
    const resourcePolicies = new Map(own === undefined ? [] : [[arn, own]])
    return glu04.evaluate({ ...model, resourcePolicies })[0]
  }

  it('fails without a policy of the catalog, and with one for everybody', () => {
    expect(catalog(withPolicy())).toMatchObject({ status: 'fail', evidence: 'the catalog has no policy' })
    expect(catalog(withPolicy(policy({ Principal: '*', Action: 'glue:GetTable' })))).toMatchObject({
      status: 'fail',
      evidence: 'any account may use the catalog'
    })
  })

  it('passes with one that names accounts', () => {
    const named = policy({ Principal: { AWS: 'arn:aws:iam::210987654321:root' }, Action: 'glue:GetTable' })
    expect(catalog(withPolicy(named))).toMatchObject({ status: 'pass', resourceId: 'catalog' })
  })
})
