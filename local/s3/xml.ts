import type { XmlElement } from './xml-reader.ts'

/**
 * An element's content: text, children by name, or several elements of the same name. A list as the content of an
 * element has its children one after another, whatever their names.
 */
export type XmlContent = string | number | boolean | XmlChildren | readonly XmlChildren[]

interface XmlChildren {
  readonly [name: string]: XmlContent | readonly XmlContent[] | undefined
}

const declaration = '<?xml version="1.0" encoding="UTF-8"?>\n'

/** A document with one root element. Undefined members are left out. */
export function xmlDocument(root: string, content: XmlContent): string {
  return declaration + element(root, content)
}

/** The same of an element that was read. */
export function xmlDocumentOf(root: XmlElement): string {
  return declaration + readElement(root)
}

function readElement({ name, text, children }: XmlElement): string {
  return `<${name}>${children.length === 0 ? escapeText(text) : children.map(readElement).join('')}</${name}>`
}

function element(name: string, content: XmlContent): string {
  if (typeof content !== 'object') return `<${name}>${escapeText(String(content))}</${name}>`
  const groups = Array.isArray(content) ? (content as readonly XmlChildren[]) : [content as XmlChildren]
  return `<${name}>${groups.map(childElements).join('')}</${name}>`
}

function childElements(children: XmlChildren): string {
  const elements = Object.entries(children).flatMap(([child, value]) => {
    if (value === undefined) return []
    return Array.isArray(value)
      ? value.map(item => element(child, item as XmlContent))
      : [element(child, value as XmlContent)]
  })
  return elements.join('')
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
