import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { crc32c, crc64Nvme } from './crc.ts'

export type ChecksumAlgorithm = 'CRC32' | 'CRC32C' | 'CRC64NVME' | 'SHA1' | 'SHA256'

/** Of all bytes, or of the checksums of the parts one after another. */
export type ChecksumType = 'FULL_OBJECT' | 'COMPOSITE'

export interface Checksum {
  readonly algorithm: ChecksumAlgorithm
  readonly type: ChecksumType
  /** Base64; of a composite one the number of parts stands behind, after a hyphen. */
  readonly value: string
}

/** A checksum of bytes that come one after another. */
export interface RunningChecksum {
  update(bytes: Uint8Array): void
  /** Base64. To be asked for once. */
  digest(): string
}

const starters: Readonly<Record<ChecksumAlgorithm, () => RunningChecksum>> = {
  CRC32: () => running32(crc32),
  CRC32C: () => running32(crc32c),
  CRC64NVME: () => {
    let value = 0n
    return {
      update: bytes => {
        value = crc64Nvme(bytes, value)
      },
      digest: () => {
        const sum = Buffer.alloc(8)
        sum.writeBigUInt64BE(value)
        return sum.toString('base64')
      }
    }
  },
  SHA1: () => runningHash('sha1'),
  SHA256: () => runningHash('sha256')
}

export const checksumAlgorithms = Object.keys(starters) as readonly ChecksumAlgorithm[]

export const checksumBytes: Readonly<Record<ChecksumAlgorithm, number>> = {
  CRC32: 4,
  CRC32C: 4,
  CRC64NVME: 8,
  SHA1: 20,
  SHA256: 32
}

export function startChecksum(algorithm: ChecksumAlgorithm): RunningChecksum {
  return starters[algorithm]()
}

/** Base64. */
export function checksumOf(algorithm: ChecksumAlgorithm, bytes: Uint8Array): string {
  const checksum = startChecksum(algorithm)
  checksum.update(bytes)
  return checksum.digest()
}

/** Name of the header that carries it. */
export function checksumHeader(algorithm: ChecksumAlgorithm): string {
  return `x-amz-checksum-${algorithm.toLowerCase()}`
}

function running32(crc: (bytes: Uint8Array, before: number) => number): RunningChecksum {
  let value = 0
  return {
    update: bytes => {
      value = crc(bytes, value)
    },
    digest: () => {
      const sum = Buffer.alloc(4)
      sum.writeUInt32BE(value)
      return sum.toString('base64')
    }
  }
}

function runningHash(name: string): RunningChecksum {
  const hash = createHash(name)
  return { update: bytes => void hash.update(bytes), digest: () => hash.digest('base64') }
}
