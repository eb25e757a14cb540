import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { App, type AppProps, BootstraplessSynthesizer, type IStackSynthesizer, Stack } from 'aws-cdk-lib'
import { onTestFinished } from 'vitest'
import flights from '../../examples/flights/sealstream.config.ts'
import everything from '../../examples/plans/everything.config.ts'
import type { PipelinePlan } from '../../pipeline/index.ts'
import { plans as planned, withLoadedCluster } from '../infra/plans.ts'

const recommendedFlags = createRequire(import.meta.url)('aws-cdk-lib/recommended-feature-flags.json')

/** An application with one stack, set as a new project would have it; its output is removed with the test. */
export function anApp(props: AppProps = {}) {
  const outdir = mkdtempSync(join(tmpdir(), 'sealstream-cdk-app-'))
  onTestFinished(() => rmSync(outdir, { recursive: true, force: true }))
  const app = new App({
    outdir,
    // Only the command line sets these; without them old behaviour is synthesised.
    context: recommendedFlags,
    analyticsReporting: false,
    builtinCloudFormationValidation: false,
    treeMetadata: false,
    ...props
  })
  // The declarations of the CDK are not written for exact optional properties.
  const synthesizer = new BootstraplessSynthesizer() as IStackSynthesizer
  const stack = new Stack(app, 'Stack', { synthesizer })
  return { app, stack, synthesised: () => app.synth().getStackByName(stack.stackName).template }
}

const account = '111122223333'
const keyArn = (digit: number) =>
  `arn:aws:kms:eu-west-1:${account}:key/0000000${digit}-1111-2222-3333-444455556666`
const roleArn = (name: string) => `arn:aws:iam::${account}:role/${name}`

/** Plans that between them make every resource which the planner can make. */
export const plans: Readonly<Record<string, PipelinePlan>> = {
  'by default': { name: 'orders' },
  'with every neighbour': {
    name: 'orders',
    sealing: { mode: 'record' },
    stream: {
      readers: [
        { kind: 'kcl', roleArn: roleArn('kcl') },
        {
          kind: 'lambda',
          handler: 'sealstream',
          functionArn: `arn:aws:lambda:eu-west-1:${account}:function:orders-totals:live`,
          roleArn: roleArn('orders-totals')
        },
        {
          kind: 'firehose',
          destination: 's3',
          deliveryStreamName: 'orders-direct',
          transform: { functionName: 'orders-open', qualifier: 'live' }
        }
      ]
    },
    destinations: [
      { kind: 's3' },
      { kind: 'opensearch', domainArn: `arn:aws:es:eu-west-1:${account}:domain/orders` },
      {
        kind: 'redshift',
        jdbcUrl: 'jdbc:redshift://orders.abc123.eu-west-1.redshift.amazonaws.com:5439/orders',
        table: 'orders',
        username: 'firehose',
        password: { env: 'REDSHIFT_PASSWORD' },
        secret: 'orders-redshift'
      },
      {
        kind: 'splunk',
        endpoint: 'https://splunk.example.com:8088',
        token: { env: 'SPLUNK_TOKEN' },
        secret: 'orders-splunk'
      }
    ],
    network: {
      vpcId: 'vpc-0123456789abcdef0',
      subnetIds: ['subnet-0123456789abcdef0', 'subnet-0123456789abcdef1'],
      securityGroupIds: ['sg-0123456789abcdef0'],
      routeTableIds: ['rtb-0123456789abcdef0'],
      pinToEndpoint: true
    },
    alarms: { topicArn: `arn:aws:sns:eu-west-1:${account}:alarms` },
    roles: {
      deployerArn: roleArn('deployer'),
      custodianArn: roleArn('custodian'),
      analystArn: roleArn('analyst')
    }
  },
  'by fan-out, on demand': {
    name: 'orders',
    stream: { mode: 'on-demand' },
    consumer: { retrieval: 'fan-out', fallBackToPolling: true }
  },
  'with keys that are given': {
    name: 'orders',
    keys: {
      envelope: { arn: keyArn(1), origin: 'AWS_CLOUDHSM' },
      stream: { arn: keyArn(2) },
      sink: { arn: keyArn(3) },
      state: { arn: keyArn(4) }
    }
  },
  'with tenants': { name: 'orders', sealing: { tenants: { a1: 'made', b2: keyArn(5) } } },
  'with nothing sealed': {
    name: 'orders',
    sealing: { mode: 'off' },
    roles: { replayer: false },
    deadLetters: { kind: 's3' },
    storage: { lockMode: 'off' },
    alarms: false
  },
  'with services beside it': planned.services,
  'with a cluster that Firehose loads': withLoadedCluster,
  'with everything': everything,
  'as in the example': flights
}
