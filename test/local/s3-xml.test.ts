import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { xmlDocument, xmlDocumentOf } from '../../local/s3/xml.ts'
import { childrenOf, parseXml, textOf } from '../../local/s3/xml-reader.ts'

describe('the XML of S3', () => {
  it('is read as elements and text, without attributes and comments', () => {
    const root = parseXml(
      '\uFEFF<?xml version="1.0"?>\n<a xmlns="urn:x" b=\'1\'><!-- <c> --><c>1 &lt; 2</c><c><![CDATA[<&>]]></c><d/></a>\n'
    )!
    expect(root.name).toBe('a')
    expect(childrenOf(root, 'c').map(({ text }) => text)).toEqual(['1 < 2', '<&>'])
    expect(textOf(root, 'd')).toBe('')
    expect(textOf(root, 'e')).toBeUndefined()
  })

  it('comes back from a document with every text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), text => {
        const root = parseXml(xmlDocument('a', { b: text }))!
        expect(textOf(root, 'b')).toBe(text)
        expect(parseXml(xmlDocumentOf(root))).toEqual(root)
      })
    )
  })

  it.each([
    ['nothing', ''],
    ['text alone', 'text'],
    ['two roots', '<a/><a/>'],
    ['text beside the root', '<a/>x'],
    ['an end without a start', '</a>'],
    ['another end', '<a><b></a></b>'],
    ['no end', '<a><b></b>'],
    ['half a tag', '<a'],
    ['an unknown reference', '<a>&nbsp;</a>'],
    ['a lone ampersand', '<a>&</a>'],
    ['a character that is none', '<a>&#x110000;</a>'],
    ['a document type', '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'],
    ['more than 16 levels', `${'<a>'.repeat(17)}${'</a>'.repeat(17)}`]
  ])('is not %s', (_, text) => {
    expect(parseXml(text)).toBeUndefined()
  })
})
