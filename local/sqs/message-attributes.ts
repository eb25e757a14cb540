import { createHash } from 'node:crypto'

/** One attribute of a message as it travels: exactly one of the two values. */
export interface MessageAttribute {
  /** `String`, `Number` or `Binary`, each also with a label of the user's behind a dot. */
  readonly DataType: string
  readonly StringValue?: string
  /** Base64. */
  readonly BinaryValue?: string
}

export type MessageAttributes = ReadonlyMap<string, MessageAttribute>

const transport = { text: 1, binary: 2 } as const

/**
 * Digest of a message's attributes, in hex; undefined for none. Hashed are, for each attribute in the order of the
 * names: name, data type, one byte for the kind of value (1 text, 2 binary), value; all but that byte behind their
 * length in 4 bytes, big-endian.
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html
 */
export function attributesDigest(attributes: MessageAttributes): string | undefined {
  if (attributes.size === 0) return undefined
  const md5 = createHash('md5')
  const add = (bytes: Buffer): void => {
    const length = Buffer.alloc(4)
    length.writeUInt32BE(bytes.length)
    md5.update(length).update(bytes)
  }
  for (const [name, attribute] of [...attributes].sort(([a], [b]) => (a < b ? -1 : 1))) {
    add(Buffer.from(name))
    add(Buffer.from(attribute.DataType))
    md5.update(Uint8Array.of(attribute.BinaryValue === undefined ? transport.text : transport.binary))
    add(valueBytes(attribute))
  }
  return md5.digest('hex')
}

export function bodyDigest(body: string): string {
  return createHash('md5').update(body).digest('hex')
}

/** Bytes that count towards the size of a message: names, types and values. */
export function attributesBytes(attributes: MessageAttributes): number {
  let bytes = 0
  for (const [name, attribute] of attributes) {
    bytes +=
      Buffer.byteLength(name) + Buffer.byteLength(attribute.DataType ?? '') + valueBytes(attribute).length
  }
  return bytes
}

function valueBytes({ StringValue, BinaryValue }: MessageAttribute): Buffer {
  return BinaryValue === undefined ? Buffer.from(StringValue ?? '') : Buffer.from(BinaryValue, 'base64')
}
