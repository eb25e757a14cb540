import { endOfString } from '../json-nesting.ts'
import { RowFault } from './rows.ts'

/** A JSON value that keeps the text that it was written as, so that no number loses digits. */
export type JsonValue =
  | { readonly kind: 'scalar'; readonly text: string | null }
  | { readonly kind: 'object'; readonly members: ReadonlyMap<string, JsonValue>; readonly text: string }
  | { readonly kind: 'array'; readonly items: readonly JsonValue[]; readonly text: string }

/** @throws {RowFault} when the text is no JSON */
export function parseJsonValue(text: string): JsonValue {
  const reader = new Reader(text)
  const value = reader.value(0)
  reader.end()
  return value
}

/** Deeper ones would end the stack. */
const maxDepth = 1_000

class Reader {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  value(depth: number): JsonValue {
    if (depth > maxDepth) throw invalid()
    this.#skipBlanks()
    const start = this.#at
    switch (this.#text[start]) {
      case '{': {
        const members = new Map<string, JsonValue>()
        this.#list('}', () => {
          this.#skipBlanks()
          const name = this.#string()
          this.#skipBlanks()
          if (this.#text[this.#at++] !== ':') throw invalid()
          members.set(name, this.value(depth + 1))
        })
        return { kind: 'object', members, text: this.#text.slice(start, this.#at) }
      }
      case '[': {
        const items: JsonValue[] = []
        this.#list(']', () => items.push(this.value(depth + 1)))
        return { kind: 'array', items, text: this.#text.slice(start, this.#at) }
      }
      case '"':
        return { kind: 'scalar', text: this.#string() }
      default: {
        const word = this.#match(/true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y)
        return { kind: 'scalar', text: word === 'null' ? null : word }
      }
    }
  }

  end(): void {
    this.#skipBlanks()
    if (this.#at < this.#text.length) throw invalid()
  }

  #list(close: string, readItem: () => void): void {
    this.#at += 1
    this.#skipBlanks()
    if (this.#text[this.#at] === close) {
      this.#at += 1
      return
    }
    for (;;) {
      readItem()
      this.#skipBlanks()
      const sign = this.#text[this.#at++]
      if (sign === close) return
      if (sign !== ',') throw invalid()
    }
  }

  #string(): string {
    const start = this.#at
    if (this.#text[start] !== '"') throw invalid()
    // Not by a pattern: it would need memory for each character of a long text.
    this.#at = endOfString(this.#text, start)
    try {
      return JSON.parse(this.#text.slice(start, this.#at)) as string
    } catch {
      throw invalid()
    }
  }

  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#at
    const match = pattern.exec(this.#text)
    if (match === null) throw invalid()
    this.#at = pattern.lastIndex
    return match[0]
  }

  #skipBlanks(): void {
    this.#match(/[ \t\r\n]*/y)
  }
}

function invalid(): RowFault {
  return new RowFault('the JSON is not valid')
}
