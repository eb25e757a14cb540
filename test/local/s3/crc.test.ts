import { describe, expect, it } from 'vitest'
import { crc32c, crc64Nvme } from '../../../local/s3/crc.ts'

const digits = Buffer.from('123456789')

describe('cyclic redundancy checks', () => {
  it('have their published check values', () => {
    expect(crc32c(digits)).toBe(0xe3069283)
    expect(crc64Nvme(digits)).toBe(0xae8b14860a799888n)
  })

  it('have the values of RFC 3720 and of the NVMe specification for whole blocks', () => {
    expect(crc32c(Buffer.alloc(32))).toBe(0x8a9136aa)
    expect(crc32c(Buffer.alloc(32, 0xff))).toBe(0x62a8ab43)
    expect(crc64Nvme(Buffer.alloc(4096))).toBe(0x6482d367eb22b64en)
    expect(crc64Nvme(Buffer.alloc(4096, 0xff))).toBe(0xc0ddba7302eca3acn)
  })

  it('are 0 of nothing, and go on from the value of the bytes before', () => {
    expect(crc32c(Buffer.alloc(0))).toBe(0)
    expect(crc64Nvme(Buffer.alloc(0))).toBe(0n)
    for (let at = 0; at <= digits.length; at += 1) {
      const [head, tail] = [digits.subarray(0, at), digits.subarray(at)]
      expect(crc32c(tail, crc32c(head))).toBe(0xe3069283)
      expect(crc64Nvme(tail, crc64Nvme(head))).toBe(0xae8b14860a799888n)
    }
  })
})
