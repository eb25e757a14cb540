/** An element without its attributes. */
export interface XmlElement {
  readonly name: string
  /** What stands directly in it, references resolved. */
  readonly text: string
  readonly children: readonly XmlElement[]
}

/** More than any document of S3 nests. */
const maxDepth = 16

const name = '[A-Za-z_][\\w.-]*(?::[A-Za-z_][\\w.-]*)?'
const attributes = '(?:\\s+[\\w:.-]+\\s*=\\s*(?:"[^"<]*"|\'[^\'<]*\'))*'
/** One piece: comment, CDATA, processing instruction, end tag, start tag (empty or not), or text. */
const piece = new RegExp(
  `<!--[\\s\\S]*?-->|<\\?[\\s\\S]*?\\?>|<!\\[CDATA\\[([\\s\\S]*?)\\]\\]>|</(${name})\\s*>|<(${name})${attributes}\\s*(/?)>|([^<]+)`,
  'y'
)

/**
 * Reads the small part of XML that S3 speaks: elements and text. Attributes and comments are left out, a document type
 * is refused. undefined for what is not well-formed, or nests deeper than 16.
 */
export function parseXml(text: string): XmlElement | undefined {
  const root: Open = { name: '', text: '', children: [] }
  const open = [root]
  piece.lastIndex = text.startsWith('\uFEFF') ? 1 : 0
  while (piece.lastIndex < text.length) {
    const match = piece.exec(text)
    if (match === null) return undefined
    const [, cdata, end, start, isEmpty, plain] = match
    const inner = open.at(-1)!
    if (end !== undefined) {
      if (open.length === 1 || end !== inner.name) return undefined
      open.pop()
    } else if (start !== undefined) {
      const element = { name: start, text: '', children: [] }
      inner.children.push(element)
      if (isEmpty !== '/') open.push(element)
      if (open.length > maxDepth) return undefined
    } else {
      const read = cdata ?? (plain === undefined ? '' : resolved(plain))
      if (read === undefined) return undefined
      inner.text += read
    }
  }
  const isOneRoot = open.length === 1 && root.children.length === 1 && root.text.trim() === ''
  return isOneRoot ? root.children[0] : undefined
}

/** Children of this name. */
export function childrenOf({ children }: XmlElement, child: string): readonly XmlElement[] {
  return children.filter(element => element.name === child)
}

/** Text of the first child of this name. */
export function textOf(element: XmlElement | undefined, child: string): string | undefined {
  return element?.children.find(one => one.name === child)?.text
}

/** The first child of this name. */
export function childOf(element: XmlElement | undefined, child: string): XmlElement | undefined {
  return element?.children.find(one => one.name === child)
}

interface Open {
  readonly name: string
  text: string
  readonly children: Open[]
}

const named: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }
const lastCodePoint = 0x10ffff

/** undefined when a reference names no character. */
function resolved(text: string): string | undefined {
  let isSound = true
  const whole = text.replace(/&(?:#x([0-9a-fA-F]+)|#(\d+)|(\w+))?;?/g, (reference, hex, decimal, entity) => {
    if (!reference.endsWith(';')) isSound = false
    if (entity !== undefined && Object.hasOwn(named, entity)) return named[entity]!
    const code = hex === undefined ? Number(decimal ?? 'none') : Number.parseInt(hex, 16)
    if (Number.isInteger(code) && code <= lastCodePoint) return String.fromCodePoint(code)
    isSound = false
    return ''
  })
  return isSound ? whole : undefined
}
