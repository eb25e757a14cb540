/**
 * Numbers from 0 to below 1, the same for the same seed and stream: mulberry32 (public domain, Tommy Ettinger), which
 * is good enough for chances.
 */
export function seededRandom(seed: number, stream: number): () => number {
  // Streams of neighbouring numbers must not begin alike.
  let state = (Math.imul(seed | 0, 0x9e3779b1) ^ Math.imul(stream + 1, 0x85ebca6b)) | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
