import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { StateError, StateFolder } from '../../../local/state/index.ts'

function makePath(): string {
  const parent = mkdtempSync(join(tmpdir(), 'sealstream-folder-'))
  onTestFinished(() => rmSync(parent, { recursive: true, force: true }))
  return join(parent, 'state')
}

function open(path: string): StateFolder {
  const folder = StateFolder.open(path)
  onTestFinished(() => folder.close())
  return folder
}

describe('a state folder', () => {
  it('is readable for its user alone, and so is what lies in it', () => {
    const path = makePath()
    open(path).document('kms', 'keys').write({ key: 1 })
    const modeOf = (...parts: string[]) => statSync(join(path, ...parts)).mode & 0o777
    expect([modeOf(), modeOf('kms')]).toEqual([0o700, 0o700])
    expect([modeOf('kms', 'keys.json'), modeOf('lock'), modeOf('format')]).toEqual([0o600, 0o600, 0o600])
  })

  it('belongs to one at a time, also within one process', () => {
    const path = makePath()
    const first = open(path)
    expect(() => StateFolder.open(path)).toThrow(StateError)
    expect(() => StateFolder.open(path)).toThrow(`is in use by process ${process.pid}`)
    first.close()
    open(path)
  })

  it('is refused while another living process has it, and taken over when that is dead', async () => {
    const path = makePath()
    open(path).close()
    const child = spawn(process.execPath, ['-e', 'process.stdin.resume()'])
    onTestFinished(() => void child.kill('SIGKILL'))
    writeFileSync(join(path, 'lock'), `${child.pid}\n`)
    expect(() => StateFolder.open(path)).toThrow(
      `is in use by process ${child.pid}: end it, name another folder, or delete ${join(path, 'lock')}`
    )
    child.kill('SIGKILL')
    await once(child, 'exit')
    open(path)
    expect(readFileSync(join(path, 'lock'), 'utf8').trim()).toBe(String(process.pid))
  })

  it('takes a lock for a left-over that names this process and is none of its own', () => {
    const path = makePath()
    open(path).close()
    writeFileSync(join(path, 'lock'), `${process.pid}\n`)
    open(path)
  })

  it('is refused when it was written in another format, and is not kept locked then', () => {
    const path = makePath()
    open(path).close()
    writeFileSync(join(path, 'format'), 'sealstream state, version 2\n')
    expect(() => StateFolder.open(path)).toThrow(
      `${join(path, 'format')} does not say "sealstream state, version 1"`
    )
    expect(existsSync(join(path, 'lock'))).toBe(false)
  })
})

describe('a state document', () => {
  it('gives back what was written last, and undefined before', () => {
    const folder = open(makePath())
    const document = folder.document('a', 'b')
    expect(document.read()).toBeUndefined()
    expect(document.write({ n: 1 })).toBe(true)
    expect(document.write({ n: 2 })).toBe(true)
    expect(document.write({ n: 2 })).toBe(false)
    expect(folder.document('a', 'b').read()).toEqual({ n: 2 })
  })

  it('stays whole when the process dies while the next value is written', () => {
    const folder = open(makePath())
    const document = folder.document('a', 'b')
    document.write({ n: 1 })
    writeFileSync(`${document.file}.tmp`, 'half a val')
    expect(folder.document('a', 'b').read()).toEqual({ n: 1 })
  })

  it('is refused when any byte of it was altered, or lost', () => {
    const document = open(makePath()).document('a', 'b')
    document.write({ n: 1 })
    const whole = readFileSync(document.file)
    for (let at = 0; at < whole.length; at += 1) {
      const altered = Buffer.from(whole)
      altered[at]! ^= 1
      writeFileSync(document.file, altered)
      expect(() => document.read(), `byte ${at}`).toThrow(StateError)
      writeFileSync(document.file, whole.subarray(0, at))
      expect(() => document.read(), `${at} bytes`).toThrow(document.file)
    }
  })
})
