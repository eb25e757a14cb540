import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
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

describe('a state folder that forgets', () => {
  const openLog = (folder: StateFolder, part: string, read: unknown[] = []) => {
    const log = folder.log(part, {
      name: 'l',
      read: entry => {
        read.push(entry)
        return undefined
      },
      live: { count: () => read.length, entries: () => read }
    })
    return { log, read }
  }

  it('has nothing of its parts any more but of those that are kept, and nobody writes to them', async () => {
    const path = makePath()
    const folder = open(path)
    const [old, kept] = [folder.document('old', 'd'), folder.document('kept', 'd')]
    const [oldLog, keptLog] = [openLog(folder, 'old').log, openLog(folder, 'kept').log]
    for (const document of [old, kept]) document.write(1)
    for (const log of [oldLog, keptLog]) log.append(1)
    const during: string[][] = []
    await folder.forget(['kept'], async () => {
      during.push(readdirSync(path).sort())
    })
    expect(during).toEqual([['forgetting', 'format', 'kept', 'lock', 'old']])
    expect(readdirSync(path).sort()).toEqual(['format', 'kept', 'lock'])
    expect(() => old.write(2)).toThrow('is closed')
    oldLog.append(2)
    expect(() => oldLog.flush()).toThrow('is closed')
    expect(() => oldLog.clear()).toThrow('is closed')
    kept.write(2)
    keptLog.append(2)
    expect(folder.document('old', 'd').read()).toBeUndefined()
    expect(openLog(folder, 'old').read).toEqual([])
    folder.close()
    const again = open(path)
    expect(again.document('kept', 'd').read()).toBe(2)
    expect(openLog(again, 'kept').read).toEqual([1, 2])
  })

  it('has nothing at all after its process was killed in the middle', () => {
    const path = makePath()
    const first = open(path)
    first.document('kept', 'd').write(1)
    first.close()
    writeFileSync(join(path, 'forgetting'), '')
    const again = open(path)
    expect(readdirSync(path).sort()).toEqual(['format', 'lock'])
    again.document('kept', 'd').write(2)
    again.close()
    expect(open(path).document('kept', 'd').read()).toBe(2)
  })

  it('goes on with what it has when the parts that are kept cannot be emptied', async () => {
    const path = makePath()
    const folder = open(path)
    folder.document('old', 'd').write(1)
    const failure = new Error('no')
    await expect(folder.forget([], () => Promise.reject(failure))).rejects.toBe(failure)
    folder.close()
    expect(open(path).document('old', 'd').read()).toBe(1)
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
