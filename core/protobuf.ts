/** The few wire types of proto2 that an aggregated record needs. */
export const WireType = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const

/** Bytes that `value` takes as a varint; for integers from 0 to 2^35. */
export function varintSize(value: number): number {
  if (value < 0x80) return 1
  if (value < 0x4000) return 2
  if (value < 0x200000) return 3
  if (value < 0x10000000) return 4
  return 5
}

/** Writes `value` as a varint at `offset` and returns the offset behind it. */
export function writeVarint(target: Uint8Array, offset: number, value: number): number {
  let rest = value
  let at = offset
  while (rest >= 0x80) {
    target[at++] = (rest % 0x80) | 0x80
    rest = Math.floor(rest / 0x80)
  }
  target[at++] = rest
  return at
}

/** One field of a message: its number, and a varint's value or the range of its bytes. */
export interface Field {
  number: number
  wireType: number
  /** Of a varint. */
  value: number
  /** Of a length-delimited field. */
  start: number
  end: number
}

/**
 * Walks the fields of one message inside `bytes`. `next` returns false at the end, and when the bytes are no
 * message: then `valid` is false. One `Field` is reused for every step.
 */
export class FieldReader {
  readonly field: Field = { number: 0, wireType: 0, value: 0, start: 0, end: 0 }
  readonly #bytes: Uint8Array
  readonly #end: number
  #at: number
  #valid = true

  constructor(bytes: Uint8Array, start: number, end: number) {
    this.#bytes = bytes
    this.#at = start
    this.#end = end
  }

  get valid(): boolean {
    return this.#valid
  }

  next(): boolean {
    if (this.#at >= this.#end) return false
    const tag = this.#varint()
    const { field } = this
    field.number = Math.floor(tag / 8)
    field.wireType = tag % 8
    if (!this.#valid || field.number === 0) return this.#fail()
    switch (field.wireType) {
      case WireType.varint:
        field.value = this.#varint()
        return this.#valid
      case WireType.bytes: {
        const length = this.#varint()
        return this.#valid && this.#skip(length)
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
    if (length > this.#end - this.#at) return this.#fail()
    this.field.start = this.#at
    this.field.end = this.#at + length
    this.#at += length
    return true
  }

  #varint(): number {
    let value = 0
    let scale = 1
    for (let count = 0; count < 10; count += 1) {
      const byte = this.#at < this.#end ? this.#bytes[this.#at++]! : -1
      if (byte < 0) break
      // Beyond 2^53 the value is only approximate, which is enough: no index or length is that large.
      value += (byte & 0x7f) * scale
      if (byte < 0x80) return value
      scale *= 0x80
    }
    this.#fail()
    return 0
  }

  #fail(): false {
    this.#valid = false
    this.#at = this.#end
    return false
  }
}
