import { AwsError } from '../../aws-json.ts'
import { attributesBytes, type MessageAttribute, type MessageAttributes } from '../message-attributes.ts'
import type { NewMessage } from '../queue.ts'
import { numberParameter } from './parameters.ts'

const maxAttributes = 10
// biome-ignore lint/suspicious/noControlCharactersInRegex: what a message may hold is defined by them
const allowed = /^[\u0009\u000a\u000d\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]*$/u

/**
 * A message of SendMessage, or of one entry of SendMessageBatch.
 * @throws AwsError MissingParameter, InvalidMessageContents, InvalidParameterValue
 */
export function parseMessage(input: Readonly<Record<string, unknown>>, maxBytes: number): NewMessage {
  const { MessageBody: body } = input
  if (typeof body !== 'string' || body === '') {
    throw new AwsError('MissingParameter', 'The request must contain the parameter MessageBody.')
  }
  if (!allowed.test(body)) {
    throw new AwsError(
      'InvalidMessageContents',
      'Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF'
    )
  }
  const message = {
    body,
    attributes: parseAttributes(input.MessageAttributes),
    systemAttributes: parseAttributes(input.MessageSystemAttributes),
    delaySeconds: numberParameter('DelaySeconds', input.DelaySeconds, 0, 900)
  }
  if (Buffer.byteLength(body) + attributesBytes(message.attributes) > maxBytes) {
    throw invalidParameter(
      `One or more parameters are invalid. Reason: Message must be shorter than ${maxBytes} bytes.`
    )
  }
  return message
}

/** Size of a message before anything else of it is checked. */
export function claimedBytes({ MessageBody, MessageAttributes }: Readonly<Record<string, unknown>>): number {
  const attributes = Object.entries((MessageAttributes ?? {}) as Record<string, MessageAttribute>)
  return Buffer.byteLength(String(MessageBody ?? '')) + attributesBytes(new Map(attributes))
}

function parseAttributes(given: unknown): MessageAttributes {
  const entries = Object.entries((given ?? {}) as Record<string, MessageAttribute>)
  if (entries.length > maxAttributes) {
    throw invalidParameter(
      `Number of message attributes [${entries.length}] exceeds the allowed maximum [${maxAttributes}].`
    )
  }
  return new Map(entries.map(([name, attribute]) => [name, parseAttribute(name, attribute)]))
}

function parseAttribute(
  name: string,
  { DataType, StringValue, BinaryValue }: MessageAttribute
): MessageAttribute {
  if (!/^[A-Za-z0-9_.-]{1,256}$/.test(name) || /^(aws|amazon)\./i.test(name) || /^\.|\.$|\.\./.test(name)) {
    throw invalidParameter(`Invalid message attribute name '${name}'.`)
  }
  const isBinary = /^Binary(\..+)?$/.test(DataType ?? '')
  if (!isBinary && !/^(String|Number)(\..+)?$/.test(DataType ?? '')) {
    throw invalidParameter(
      `The message attribute '${name}' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String.`
    )
  }
  const value = isBinary ? BinaryValue : StringValue
  if (typeof value !== 'string' || value === '') {
    throw invalidParameter(
      `The message attribute '${name}' must contain a non-empty message attribute value for message attribute type '${DataType}'.`
    )
  }
  return isBinary ? { DataType, BinaryValue: value } : { DataType, StringValue: value }
}

function invalidParameter(message: string): AwsError {
  return new AwsError('InvalidParameterValue', message)
}
