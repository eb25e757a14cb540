/*
 * Cyclic redundancy checks that zlib has not, reflected, beginning with ones and inverted at the end. Each goes on
 * from the value of the bytes before, 0 at first.
 *
 *   name       polynomial, reflected   source
 *   CRC32C     82F63B78                RFC 3720, section 12.1
 *   CRC64NVME  9A6C9329AC4BC9B5        NVM Express, NVM command set specification, section 5.2.1.3
 */

const crc32cPolynomial = 0x82f63b78
const crc64Polynomial = 0x9a6c9329ac4bc9b5n

const crc32cTable = Int32Array.from({ length: 256 }, (_, byte) => {
  let value = byte
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ crc32cPolynomial : value >>> 1
  return value
})

// As two halves: a bigint for each byte of a body would be many times slower.
const crc64High = new Int32Array(256)
const crc64Low = new Int32Array(256)
for (let byte = 0; byte < 256; byte += 1) {
  let value = BigInt(byte)
  for (let bit = 0; bit < 8; bit += 1) value = value & 1n ? (value >> 1n) ^ crc64Polynomial : value >> 1n
  crc64High[byte] = Number(value >> 32n)
  crc64Low[byte] = Number(value & 0xffffffffn)
}

export function crc32c(bytes: Uint8Array, before = 0): number {
  let value = ~before
  for (const byte of bytes) value = crc32cTable[(value ^ byte) & 0xff]! ^ (value >>> 8)
  return ~value >>> 0
}

export function crc64Nvme(bytes: Uint8Array, before = 0n): bigint {
  let high = ~Number(before >> 32n)
  let low = ~Number(before & 0xffffffffn)
  for (const byte of bytes) {
    const index = (low ^ byte) & 0xff
    low = crc64Low[index]! ^ ((low >>> 8) | (high << 24))
    high = crc64High[index]! ^ (high >>> 8)
  }
  return (BigInt(~high >>> 0) << 32n) | BigInt(~low >>> 0)
}
