// Usage: node test/cdk/synthesise.js [FOLDER]
// Writes the templates of others on which the audit is tested, as they stand in test/infra/templates.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { KinesisStreamsToKinesisFirehoseToS3 } from '@aws-solutions-constructs/aws-kinesisstreams-kinesisfirehose-s3'
import { App, BootstraplessSynthesizer, Stack } from 'aws-cdk-lib'
import { AttributeType, BillingMode, Table, TableEncryption } from 'aws-cdk-lib/aws-dynamodb'
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { Stream, StreamEncryption } from 'aws-cdk-lib/aws-kinesis'
import { DeliveryStream, KinesisStreamSource, S3Bucket } from 'aws-cdk-lib/aws-kinesisfirehose'
import { Key } from 'aws-cdk-lib/aws-kms'
import { Bucket, BucketEncryption } from 'aws-cdk-lib/aws-s3'
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs'

const recommendedFlags = createRequire(import.meta.url)('aws-cdk-lib/recommended-feature-flags.json')
const folder = resolve(process.argv[2] ?? join(import.meta.dirname, '../infra/templates'))
mkdirSync(folder, { recursive: true })
write('solutions-constructs.json', stack => {
  new KinesisStreamsToKinesisFirehoseToS3(stack, 'Orders', {})
})
write('cdk-l2.json', plainStack)

/** What somebody writes who takes the constructs as they come: one key for everything, and its grants. */
function plainStack(/** @type {Stack} */ stack) {
  const encryptionKey = new Key(stack, 'Key', { enableKeyRotation: true })
  const stream = new Stream(stack, 'Orders', { encryption: StreamEncryption.KMS, encryptionKey })
  const bucket = new Bucket(stack, 'Archive', { encryption: BucketEncryption.KMS, encryptionKey })
  new DeliveryStream(stack, 'OrdersToArchive', {
    source: new KinesisStreamSource(stream),
    destination: new S3Bucket(bucket, { dataOutputPrefix: 'orders/', errorOutputPrefix: 'errors/' })
  })
  const leases = new Table(stack, 'Leases', {
    partitionKey: { name: 'leaseKey', type: AttributeType.STRING },
    billingMode: BillingMode.PAY_PER_REQUEST,
    encryption: TableEncryption.CUSTOMER_MANAGED,
    encryptionKey
  })
  const deadLetters = new Queue(stack, 'DeadLetters', {
    encryption: QueueEncryption.KMS,
    encryptionMasterKey: encryptionKey
  })
  const assumedBy = new ServicePrincipal('ecs-tasks.amazonaws.com')
  const producer = new Role(stack, 'Producer', { assumedBy })
  stream.grantWrite(producer)
  encryptionKey.grantEncrypt(producer)
  const consumer = new Role(stack, 'Consumer', { assumedBy })
  stream.grantRead(consumer)
  leases.grantReadWriteData(consumer)
  deadLetters.grantSendMessages(consumer)
  encryptionKey.grantDecrypt(consumer)
  const analyst = new Role(stack, 'Analyst', { assumedBy })
  bucket.grantRead(analyst)
}

/**
 * @param {string} file
 * @param {(stack: Stack) => void} fill
 */
function write(file, fill) {
  const outdir = mkdtempSync(join(tmpdir(), 'sealstream-synthesise-'))
  try {
    const app = new App({
      outdir,
      // Only the command line sets the flags that a new project has; without them old behaviour is synthesised.
      context: recommendedFlags,
      analyticsReporting: false,
      builtinCloudFormationValidation: false,
      treeMetadata: false
    })
    const stack = new Stack(app, 'Orders', { synthesizer: new BootstraplessSynthesizer() })
    fill(stack)
    const { template } = app.synth().getStackByName(stack.stackName)
    writeFileSync(join(folder, file), `${JSON.stringify(template, null, 2)}\n`)
  } finally {
    rmSync(outdir, { recursive: true, force: true })
  }
}
