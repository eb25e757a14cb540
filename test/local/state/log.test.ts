import {
  appendFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { StateError, StateLog, type StateLogOptions } from '../../../local/state/index.ts'

function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'sealstream-log-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** A log of numbers; `live` is what still matters, the mark of a number the number itself. */
function openLog(folder: string, live: readonly number[] = [], options: Partial<StateLogOptions> = {}) {
  const read: number[] = []
  const log = StateLog.open({
    folder,
    name: 'numbers',
    read: entry => {
      read.push(entry as number)
      return entry as number
    },
    live: { count: () => live.length, entries: () => live },
    ...options
  })
  onTestFinished(() => log.close())
  return { log, read }
}

const filesOf = (folder: string) => readdirSync(folder).sort()
const append = (log: StateLog, from: number, to: number) => {
  for (let number = from; number <= to; number += 1) {
    log.append(number, number)
    log.flush()
  }
}

describe('a state log', () => {
  it('gives back what was flushed, in order, and goes on behind it', () => {
    const folder = makeFolder()
    const first = openLog(folder)
    append(first.log, 1, 3)
    first.log.close()
    const second = openLog(folder)
    expect(second.read).toEqual([1, 2, 3])
    append(second.log, 4, 4)
    second.log.close()
    expect(openLog(folder).read).toEqual([1, 2, 3, 4])
  })

  it('forgets all that was written, and all that was to be, when it is cleared', () => {
    const folder = makeFolder()
    const { log } = openLog(folder, [1, 2, 3])
    append(log, 1, 3)
    log.append(4)
    log.clear()
    append(log, 5, 5)
    log.close()
    expect(openLog(folder).read).toEqual([5])
  })

  it('writes nothing before it is flushed', () => {
    const folder = makeFolder()
    const { log } = openLog(folder)
    log.append(1)
    expect(statSync(join(folder, 'numbers-00000001.log')).size).toBe(0)
    log.flush()
    expect(statSync(join(folder, 'numbers-00000001.log')).size).toBeGreaterThan(0)
  })

  it('cuts a torn tail off, wherever it was torn, and goes on behind the last whole entry', () => {
    const folder = makeFolder()
    const { log } = openLog(folder)
    append(log, 1, 2)
    log.close()
    const file = join(folder, 'numbers-00000001.log')
    const whole = readFileSync(file)
    const line = whole.subarray(0, whole.indexOf(10) + 1)
    for (let bytes = 1; bytes < line.length; bytes += 1) {
      writeFileSync(file, Buffer.concat([whole, line.subarray(0, bytes)]))
      const torn = openLog(folder)
      expect(torn.read).toEqual([1, 2])
      append(torn.log, 3, 3)
      torn.log.close()
      expect(openLog(folder).read).toEqual([1, 2, 3])
    }
  })

  it('refuses a file of which any byte was altered, and names it', () => {
    const folder = makeFolder()
    const { log } = openLog(folder)
    append(log, 1, 2)
    log.close()
    const file = join(folder, 'numbers-00000001.log')
    const whole = readFileSync(file)
    // The last byte is the end of the last line: without it the line counts as torn.
    for (let at = 0; at < whole.length - 1; at += 1) {
      const altered = Buffer.from(whole)
      altered[at]! ^= 1
      writeFileSync(file, altered)
      expect(() => openLog(folder), `byte ${at}`).toThrow(StateError)
      expect(() => openLog(folder)).toThrow(file)
    }
  })

  it('refuses a file in the middle that has lost its end', () => {
    const folder = makeFolder()
    const { log } = openLog(folder, [1, 2, 3], { fileBytes: 1 })
    append(log, 1, 3)
    log.close()
    appendFileSync(join(folder, 'numbers-00000002.log'), 'torn')
    expect(() => openLog(folder)).toThrow('its end is missing')
  })

  it('lets files go whose entries are all older than what matters, and begins each with its header', () => {
    const folder = makeFolder()
    let oldest = 1
    const live = { count: () => 0, entries: () => [], header: () => [0], oldestMark: () => oldest }
    const { log } = openLog(folder, [], { fileBytes: 1, live })
    append(log, 1, 3)
    expect(filesOf(folder)).toHaveLength(4)
    oldest = 3
    append(log, 4, 4)
    log.close()
    expect(openLog(folder).read).toEqual([0, 3, 0, 4, 0])
  })

  it('is written anew when more than half of it is dead, with what lives alone', () => {
    const folder = makeFolder()
    const { log } = openLog(folder, [7, 8], { compactFromBytes: 60 })
    append(log, 1, 4)
    expect(filesOf(folder)).toEqual(['numbers-00000001.log'])
    append(log, 5, 8)
    expect(filesOf(folder)).toEqual(['numbers-00000002.base.log', 'numbers-00000003.log'])
    log.close()
    expect(openLog(folder).read.slice(0, 2)).toEqual([7, 8])
  })

  it('drops what a compaction left behind that was killed, before and after its end', () => {
    const folder = makeFolder()
    const { log } = openLog(folder)
    append(log, 1, 2)
    log.close()
    const file = join(folder, 'numbers-00000001.log')
    writeFileSync(join(folder, 'numbers-00000002.tmp'), 'half a compa')
    const before = openLog(folder)
    expect(before.read).toEqual([1, 2])
    before.log.close()
    expect(filesOf(folder)).toEqual(['numbers-00000001.log'])
    writeFileSync(join(folder, 'numbers-00000002.base.log'), readFileSync(file))
    expect(openLog(folder).read).toEqual([1, 2])
    expect(filesOf(folder)).toEqual(['numbers-00000002.base.log'])
  })
})
