import { promisify } from 'node:util'
import { crc32, deflateRaw } from 'node:zlib'

const deflateRawAsync = promisify(deflateRaw)

const localSignature = 0x04034b50
const centralSignature = 0x02014b50
const endSignature = 0x06054b50
/** 2.0: deflated entries. */
const version = 20
const deflated = 8
/** 1980-01-01, the first day that the format knows: what is in an object depends on its records alone. */
const firstDay = 0x21

/**
 * A ZIP archive with one deflated entry (https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT):
 *
 *   archive = local header(30) name data, central header(46) name, end(22)
 *
 * `name` is ASCII. For less than 4 GiB.
 */
export async function zip(name: string, plain: Uint8Array): Promise<Buffer> {
  const nameBytes = Buffer.from(name, 'ascii')
  const data = await deflateRawAsync(plain)
  // What both headers say alike: version needed, flags, method, time, date, CRC-32, sizes, lengths of name and extra.
  const common = Buffer.alloc(26)
  common.writeUInt16LE(version, 0)
  common.writeUInt16LE(deflated, 4)
  common.writeUInt16LE(firstDay, 8)
  common.writeUInt32LE(crc32(plain), 10)
  common.writeUInt32LE(data.length, 14)
  common.writeUInt32LE(plain.length, 18)
  common.writeUInt16LE(nameBytes.length, 22)
  const local = Buffer.concat([signature(localSignature), common, nameBytes, data])
  const madeBy = Buffer.alloc(2)
  madeBy.writeUInt16LE(version, 0)
  // Comment length, disk, attributes, and the offset of the local header, which is 0.
  const central = Buffer.concat([signature(centralSignature), madeBy, common, Buffer.alloc(14), nameBytes])
  const end = Buffer.alloc(18)
  end.writeUInt16LE(1, 4)
  end.writeUInt16LE(1, 6)
  end.writeUInt32LE(central.length, 8)
  end.writeUInt32LE(local.length, 12)
  return Buffer.concat([local, central, signature(endSignature), end])
}

function signature(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value, 0)
  return bytes
}
