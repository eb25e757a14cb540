/** An element's content: text, children by name, or several elements of the same name. */
export type XmlContent =
  | string
  | number
  | boolean
  | { readonly [name: string]: XmlContent | readonly XmlContent[] | undefined }

const declaration = '<?xml version="1.0" encoding="UTF-8"?>\n'

/** A document with one root element. Undefined members are left out. */
export function xmlDocument(root: string, content: XmlContent): string {
  return declaration + element(root, content)
}

function element(name: string, content: XmlContent): string {
  if (typeof content !== 'object') return `<${name}>${escapeText(String(content))}</${name}>`
  const children = Object.entries(content).flatMap(([child, value]) => {
    if (value === undefined) return []
    return Array.isArray(value)
      ? value.map(item => element(child, item as XmlContent))
      : [element(child, value as XmlContent)]
  })
  return `<${name}>${children.join('')}</${name}>`
}

const escapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\r': '&#13;'
}

function escapeText(text: string): string {
  return text.replace(/[&<>"\r]/g, character => escapes[character]!)
}

/**
 * The text of every element of this name, wherever it stands. Enough for the bodies that S3 takes as XML here.
 * References that name no character are left as they are.
 */
export function textsOf(xml: string, name: string): string[] {
  return [...xml.matchAll(new RegExp(`<${name}>([^<]*)</${name}>`, 'g'))].map(([, text]) =>
    unescapeText(text!)
  )
}

/** What stands inside every element of this name, which holds none of its own name. */
export function elementsOf(xml: string, name: string): string[] {
  return xml
    .split(`<${name}>`)
    .slice(1)
    .map(rest => rest.split(`</${name}>`, 1)[0]!)
}

const lastCodePoint = 0x10ffff

function unescapeText(text: string): string {
  const named: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }
  return text.replace(/&(?:#x([0-9a-fA-F]+)|#(\d+)|(\w+));/g, (whole, hex, decimal, name) => {
    if (name !== undefined) return Object.hasOwn(named, name) ? named[name]! : whole
    const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16)
    return code <= lastCodePoint ? String.fromCodePoint(code) : whole
  })
}
