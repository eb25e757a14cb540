import { createSecretKey, type KeyObject } from 'node:crypto'

const takesObjects = Number.parseInt(process.versions.node, 10) >= 24

/**
 * A key as `node:crypto` takes it fastest. From Node 24 on, a cipher or HMAC whose key comes as bytes costs three
 * times as much as one with a key object made for it; before, it is the object that costs more.
 */
export function secretKey(bytes: Uint8Array): Uint8Array | KeyObject {
  return takesObjects ? createSecretKey(bytes) : bytes
}
