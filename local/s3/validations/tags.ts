import { AwsError } from '../../aws-json.ts'
import type { Tag } from '../versions.ts'
import { childOf, childrenOf, parseXml, textOf } from '../xml-reader.ts'
import { malformedXml } from './checksum.ts'

const mostTags = { Object: 10, Bucket: 50 }

/** The tags that a put brings along as the query of a URL. @throws {AwsError} InvalidArgument, BadRequest, InvalidTag */
export function tagsOfHeader(header: string | undefined): readonly Tag[] {
  const tags = [...new URLSearchParams(header ?? '')].map(([key, value]) => ({ key, value }))
  if (hasDuplicates(tags)) {
    throw new AwsError(
      'InvalidArgument',
      "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates.",
      400,
      { ArgumentName: 'x-amz-tagging' }
    )
  }
  checkTags(tags, 'Object')
  return tags
}

/**
 * The tags in the body of PutObjectTagging or PutBucketTagging.
 * @throws {AwsError} MalformedXML, BadRequest, InvalidTag
 */
export function tagsOfBody(xml: string, of: keyof typeof mostTags = 'Object'): readonly Tag[] {
  const root = parseXml(xml)
  const set = childOf(root, 'TagSet')
  if (root?.name !== 'Tagging' || set === undefined) throw malformedXml()
  const tags = childrenOf(set, 'Tag').map(tag => {
    const key = textOf(tag, 'Key')
    const value = textOf(tag, 'Value')
    if (key === undefined || value === undefined) throw malformedXml()
    return { key, value }
  })
  if (hasDuplicates(tags)) throw new AwsError('InvalidTag', 'Cannot provide multiple Tags with the same key')
  checkTags(tags, of)
  return tags
}

function hasDuplicates(tags: readonly Tag[]): boolean {
  return new Set(tags.map(({ key }) => key)).size < tags.length
}

/** 10 tags, 50 of a bucket; keys of 1 to 128 characters and values of 0 to 256. */
function checkTags(tags: readonly Tag[], of: keyof typeof mostTags): void {
  if (tags.length > mostTags[of]) {
    throw new AwsError('BadRequest', `${of} tags cannot be greater than ${mostTags[of]}`)
  }
  for (const { key, value } of tags) {
    if (key.startsWith('aws:')) {
      throw new AwsError('InvalidTag', 'System tags cannot be added/updated by requester')
    }
    if (key === '' || key.length > 128 || !isTagText(key)) {
      throw new AwsError('InvalidTag', 'The TagKey you have provided is invalid')
    }
    if (value.length > 256 || !isTagText(value)) {
      throw new AwsError('InvalidTag', 'The TagValue you have provided is invalid')
    }
  }
}

function isTagText(text: string): boolean {
  return /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u.test(text)
}
