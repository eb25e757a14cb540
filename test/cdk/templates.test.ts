import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const committed = join(import.meta.dirname, '../infra/templates')

describe('templates of others', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sealstream-templates-'))
  beforeAll(() => {
    execFileSync(process.execPath, [join(import.meta.dirname, 'synthesise.js'), folder])
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it.each(['solutions-constructs.json', 'cdk-l2.json'])('%s is what is synthesised today', file => {
    expect(readFileSync(join(committed, file), 'utf8')).toBe(readFileSync(join(folder, file), 'utf8'))
  })
})
