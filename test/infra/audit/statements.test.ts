import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { catalogue } from '../../../infra/audit/catalogue.ts'

const root = new URL('../../../', import.meta.url)
const security = new URL('docs/security/', root)
const pages = ['statements.md', 'plaintext-map.md', 'threat-model.md']
const textOf = (page: string) => readFileSync(new URL(page, security), 'utf8')

const rows = textOf('statements.md')
  .split('\n')
  .map(line => line.split('|').map(cell => cell.trim()))
  .filter(cells => /^\d+$/.test(cells[1] ?? ''))
  .map(cells => ({ number: Number(cells[1]), audit: cells[6]!, test: cells[7]!, width: cells.length }))

const idsIn = (text: string) => text.match(/\b(?!UTF)[A-Z][A-Z0-9]{1,2}-\d\d\b/g) ?? []

describe('the table of statements', () => {
  it('has each of the 73 statements once, in order, with something in every column', () => {
    const numbers = rows.map(({ number }) => number)
    expect(numbers).toEqual(Array.from({ length: 73 }, (_, index) => index + 1))
    expect(rows.every(({ width }) => width === 9)).toBe(true)
  })

  it('names of each statement the controls that name it', () => {
    const stated = rows.flatMap(({ number, audit }) => idsIn(audit).map(id => `${number} ${id}`))
    const sourced = catalogue.flatMap(({ id, sources }) =>
      (sources.statements ?? []).map(number => `${number} ${id}`)
    )
    expect(stated.toSorted()).toEqual(sourced.toSorted())
  })

  it('links each control to its code', () => {
    const unlinked = rows.flatMap(({ number, audit }) =>
      idsIn(audit.replaceAll(/\[[A-Z0-9-]+\]\(\.\.\/\.\.\/infra\/audit\/controls\/[\w/-]+\.ts\)/g, '')).map(
        id => [number, id]
      )
    )
    expect(unlinked).toEqual([])
  })

  it('links each statement to a test', () => {
    expect(rows.filter(({ test }) => !/^\[`(test\/[\w./-]+)`\]\(\.\.\/\.\.\/\1\)$/.test(test))).toEqual([])
  })
})

describe.each(pages)('docs/security/%s', page => {
  it('names controls, files and pages that are there', () => {
    const text = textOf(page)
    const known = catalogue.map(({ id }) => id)
    expect(idsIn(text).filter(id => !known.includes(id))).toEqual([])
    const files = [...text.matchAll(/`(test\/[\w./-]+)`/g)].map(([, file]) => new URL(file!, root))
    const links = [...text.matchAll(/\]\(([\w./-]+\.(?:md|ts))\)/g)].map(
      ([, link]) => new URL(link!, security)
    )
    expect([...files, ...links].filter(url => !existsSync(url)).map(String)).toEqual([])
  })
})
