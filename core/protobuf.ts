/** The few wire types of proto2 that an aggregated record needs. */
export const WireType = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const

const maxTag = 2 ** 32 - 1

/** Bytes that `value` takes as a varint; for integers from 0 to 2^32 - 1. */
export function varintSize(value: number): number {
  if (value < 0x80) return 1
  if (value < 0x4000) return 2
  if (value < 0x200000) return 3
  if (value < 0x10000000) return 4
  return 5
}

/** Writes `value`, an integer from 0 to 2^32 - 1, as a varint at `offset` and returns the offset behind it. */
export function writeVarint(target: Uint8Array, offset: number, value: number): number {
  let rest = value
  let at = offset
  while (rest >= 0x80) {
    target[at++] = (rest & 0x7f) | 0x80
    rest >>>= 7
  }
  target[at++] = rest
  return at
}

/**
 * Walks the fields of one message inside `bytes`. `next` returns false at the end, and when the bytes are no
 * message: then `valid` is false. The members describe the field that `next` stopped at, so that no field is
 * an object of its own.
 */
export class FieldReader {
  number = 0
  wireType = 0
  /** Of a varint. */
  value = 0
  /** Of a length-delimited field: the range of its bytes. */
  start = 0
  end = 0
  valid = true
  readonly #bytes: Uint8Array
  #at = 0
  #last = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  /** Begins with the message between these offsets. */
  enter(start: number, end: number): void {
    this.#at = start
    this.#last = end
    this.valid = true
  }

  next(): boolean {
    if (this.#at >= this.#last) return false
    const tag = this.#varint()
    // A tag has 32 bits: more is no message.
    if (!this.valid || tag > maxTag) return this.#fail()
    this.number = tag >>> 3
    this.wireType = tag & 7
    if (this.number === 0) return this.#fail()
    switch (this.wireType) {
      case WireType.varint:
        this.value = this.#varint()
        return this.valid
      case WireType.bytes: {
        const length = this.#varint()
        return this.valid && this.#skip(length)
      }
      case WireType.fixed64:
        return this.#skip(8)
      case WireType.fixed32:
        return this.#skip(4)
      default:
        return this.#fail()
    }
  }

  #skip(length: number): boolean {
    if (length > this.#last - this.#at) return this.#fail()
    this.start = this.#at
    this.end = this.#at + length
    this.#at += length
    return true
  }

  #varint(): number {
    const first = this.#at < this.#last ? this.#bytes[this.#at]! : 0x80
    if (first >= 0x80) return this.#longVarint()
    this.#at += 1
    return first
  }

  #longVarint(): number {
    let value = 0
    let scale = 1
    for (let count = 0; count < 10; count += 1) {
      if (this.#at >= this.#last) break
      const byte = this.#bytes[this.#at++]!
      // Beyond 2^53 the value is only approximate, which is enough: no index or length is that large.
      value += (byte & 0x7f) * scale
      if (byte < 0x80) return value
      scale *= 0x80
    }
    this.#fail()
    return 0
  }

  #fail(): false {
    this.valid = false
    this.#at = this.#last
    return false
  }
}
