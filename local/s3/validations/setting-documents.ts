import { AwsError } from '../../aws-json.ts'
import type { BucketSettings, SettingDocument } from '../bucket-settings.ts'
import { xmlDocument, xmlDocumentOf } from '../xml.ts'
import { childOf, childrenOf, parseXml, textOf, type XmlElement } from '../xml-reader.ts'
import { malformedXml } from './checksum.ts'
import { tagsOfBody } from './tags.ts'

/** Settings that are kept as documents: how each is checked, and what is said where it is not there. */
interface DocumentKind {
  readonly root: string
  /** What is kept; undefined for a document that takes the setting away. @throws {AwsError} */
  readonly check: (root: XmlElement, body: string, world: World) => string | undefined
  /** Code and text; undefined when an empty document stands for none. */
  readonly missing: readonly [code: string, message: string] | undefined
}

export interface World {
  readonly hasBucket: (bucket: string) => boolean
}

const blocks = ['BlockPublicAcls', 'IgnorePublicAcls', 'BlockPublicPolicy', 'RestrictPublicBuckets']
const ownerships = ['BucketOwnerEnforced', 'BucketOwnerPreferred', 'ObjectWriter']
const corsMethods = ['GET', 'PUT', 'HEAD', 'POST', 'DELETE']
const lifecycleActions = [
  'Expiration',
  'Transition',
  'NoncurrentVersionExpiration',
  'NoncurrentVersionTransition',
  'AbortIncompleteMultipartUpload'
]
const mostCorsRules = 100
const mostLifecycleRules = 1_000

export const documentKinds: Readonly<Record<SettingDocument, DocumentKind>> = {
  publicAccessBlock: {
    root: 'PublicAccessBlockConfiguration',
    check: root => publicAccessBlock(name => flagOf(root, name)),
    missing: ['NoSuchPublicAccessBlockConfiguration', 'The public access block configuration was not found']
  },
  ownershipControls: {
    root: 'OwnershipControls',
    check: root => {
      const rules = childrenOf(root, 'Rule')
      const ownership = textOf(rules[0], 'ObjectOwnership')
      if (rules.length !== 1 || !ownerships.includes(ownership ?? '')) throw malformedXml()
      return ownershipControls(ownership!)
    },
    missing: ['OwnershipControlsNotFoundError', 'The bucket ownership controls were not found']
  },
  tagging: {
    root: 'Tagging',
    check: (root, body) => {
      tagsOfBody(body, 'Bucket')
      return xmlDocumentOf(root)
    },
    missing: ['NoSuchTagSet', 'The TagSet does not exist']
  },
  cors: {
    root: 'CORSConfiguration',
    check: root => {
      const rules = childrenOf(root, 'CORSRule')
      if (rules.length === 0 || rules.length > mostCorsRules) throw malformedXml()
      rules.forEach(checkCorsRule)
      return xmlDocumentOf(root)
    },
    missing: ['NoSuchCORSConfiguration', 'The CORS configuration does not exist']
  },
  lifecycle: {
    root: 'LifecycleConfiguration',
    check: root => {
      const rules = childrenOf(root, 'Rule')
      if (rules.length === 0 || rules.length > mostLifecycleRules) throw malformedXml()
      rules.forEach(checkLifecycleRule)
      return xmlDocumentOf(root)
    },
    missing: ['NoSuchLifecycleConfiguration', 'The lifecycle configuration does not exist']
  },
  logging: {
    root: 'BucketLoggingStatus',
    check: (root, _, { hasBucket }) => {
      const enabled = childOf(root, 'LoggingEnabled')
      if (enabled === undefined) return undefined
      const target = textOf(enabled, 'TargetBucket')
      if (target === undefined || textOf(enabled, 'TargetPrefix') === undefined) throw malformedXml()
      if (!hasBucket(target)) {
        throw new AwsError(
          'InvalidTargetBucketForLogging',
          'The target bucket for logging does not exist',
          400,
          { TargetBucket: target }
        )
      }
      return xmlDocumentOf(root)
    },
    missing: undefined
  }
}

/** What is kept of a document that was put; undefined when it takes the setting away. @throws {AwsError} */
export function checkedDocument(document: SettingDocument, body: string, world: World): string | undefined {
  const { root: name, check } = documentKinds[document]
  const root = parseXml(body)
  if (root?.name !== name) throw malformedXml()
  return check(root, body, world)
}

/** Of a new bucket: nothing is public, and the owner of the bucket owns what is in it. */
export function firstDocuments(ownership: string | undefined): BucketSettings['documents'] {
  if (ownership !== undefined && !ownerships.includes(ownership)) {
    throw new AwsError(
      'InvalidArgument',
      'Invalid x-amz-object-ownership header: must be one of [BucketOwnerEnforced, BucketOwnerPreferred, ObjectWriter]',
      400,
      {
        ArgumentName: 'x-amz-object-ownership',
        ArgumentValue: ownership
      }
    )
  }
  return {
    publicAccessBlock: publicAccessBlock(() => true),
    ownershipControls: ownershipControls(ownership ?? 'BucketOwnerEnforced')
  }
}

export function blocksPublicPolicies({ documents }: BucketSettings): boolean {
  const root = parseXml(documents.publicAccessBlock ?? '')
  return root !== undefined && flagOf(root, 'BlockPublicPolicy')
}

/** All four flags, whichever were given. */
function publicAccessBlock(isOn: (name: string) => boolean): string {
  return xmlDocument(
    'PublicAccessBlockConfiguration',
    Object.fromEntries(blocks.map(name => [name, isOn(name)]))
  )
}

function ownershipControls(ownership: string): string {
  return xmlDocument('OwnershipControls', { Rule: { ObjectOwnership: ownership } })
}

function flagOf(root: XmlElement, name: string): boolean {
  const text = textOf(root, name) ?? 'false'
  if (!/^(?:true|false)$/i.test(text)) throw malformedXml()
  return text.toLowerCase() === 'true'
}

function checkCorsRule(rule: XmlElement): void {
  const methods = childrenOf(rule, 'AllowedMethod').map(({ text }) => text)
  if (methods.length === 0 || childrenOf(rule, 'AllowedOrigin').length === 0) throw malformedXml()
  const unknown = methods.find(method => !corsMethods.includes(method))
  if (unknown !== undefined) {
    throw new AwsError(
      'InvalidRequest',
      `Found unsupported HTTP method in CORS config. Unsupported method is ${unknown}`
    )
  }
}

function checkLifecycleRule(rule: XmlElement): void {
  const status = textOf(rule, 'Status')
  if (status !== 'Enabled' && status !== 'Disabled') throw malformedXml()
  if (!rule.children.some(({ name }) => lifecycleActions.includes(name))) {
    throw new AwsError('InvalidRequest', 'At least one action needs to be specified in a rule')
  }
}
