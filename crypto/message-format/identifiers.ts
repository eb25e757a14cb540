// https://docs.aws.amazon.com/encryption-sdk/latest/developer-guide/message-format.html

/** Second byte of a version 1 message. */
export const version1Type = 0x80
/** One ciphertext without frames; read, never written. */
export const contentTypeUnframed = 1
export const contentTypeFramed = 2
/** Marks the final frame, in place of a sequence number. */
export const finalFrameMarker = 0xffffffff
/** IV ‖ tag ‖ sequence number of a regular frame. */
export const regularFrameOverhead = 32
/** Marker ‖ sequence number ‖ IV ‖ length ‖ tag of the final frame. */
export const finalFrameOverhead = 40

export const frameLabel = Buffer.from('AWSKMSEncryptionClient Frame', 'latin1')
export const finalFrameLabel = Buffer.from('AWSKMSEncryptionClient Final Frame', 'latin1')
export const singleBlockLabel = Buffer.from('AWSKMSEncryptionClient Single Block', 'latin1')

/** Context pair in which the public key of a signed message travels. */
export const publicKeyName = 'aws-crypto-public-key'

/** Nearly every record is one frame; a reader that streams needs a buffer of this size only. Our choice. */
export const defaultFrameLength = 64 * 1024
/** Encrypted data keys of one message; the format allows 65,535, each of which may cost a call. Our choice. */
export const defaultMaxEncryptedDataKeys = 5
/** Largest message that is read: a Kinesis record is at most 10 MiB, before it was sealed. Our choice. */
export const maxMessageBytes = 16 * 1024 * 1024
