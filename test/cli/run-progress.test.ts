import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { UsageError } from '../../cli/exit-code.ts'
import { type LineFate, RunProgress } from '../../cli/run-progress.ts'
import { StateFolder } from '../../local/state/index.ts'
import { makeStateFolder } from '../helpers/state.ts'

const lines = ['a', 'b', 'c', 'd', 'e'].map(line => Buffer.from(line))
const acknowledged = (sequenceNumber: string, subSequenceNumber: number): LineFate => ({
  kind: 'acknowledged',
  sequenceNumber,
  subSequenceNumber
})

/** Opens the progress of one run again and again, as after a kill: nothing is flushed at the end. */
function reopenable(): () => RunProgress {
  const path = makeStateFolder()
  let folder: StateFolder | undefined
  onTestFinished(() => folder?.close())
  return () => {
    folder?.close()
    folder = StateFolder.open(path)
    return new RunProgress(folder)
  }
}

describe('the progress of a run', () => {
  it('knows the fates of all lines up to the first that is not decided', () => {
    const open = reopenable()
    const first = open()
    const [a, b, c, d] = lines.map(line => first.read(line)) as number[]
    first.decide(b!, { kind: 'refused' })
    first.flush()
    expect(first.decided).toBe(0)
    first.decide(a!, acknowledged('1', 0))
    first.decide(d!, acknowledged('1', 2))
    first.flush()
    expect(first.decided).toBe(2)

    const second = open()
    expect(second.decidedBefore).toBe(2)
    expect(lines.slice(0, 3).map(line => second.read(line))).toEqual([
      acknowledged('1', 0),
      { kind: 'refused' },
      c
    ])
    second.decide(c!, { kind: 'deadLettered' })
    second.decide(second.read(lines[3]!) as number, acknowledged('2', 7))
    second.flush()
    const third = open()
    expect(lines.map(line => third.read(line)).slice(2)).toEqual([
      { kind: 'deadLettered' },
      acknowledged('2', 7),
      4
    ])
  })

  it('loses what was not flushed, and no dead letter of a worker', () => {
    const open = reopenable()
    const first = open()
    first.decide(first.read(lines[0]!) as number, acknowledged('1', 0))
    first.deadLetter({ sequenceNumber: '1', subSequenceNumbers: [0] })
    first.deadLetter({ sequenceNumber: '2' })
    const second = open()
    expect(second.decidedBefore).toBe(0)
    expect(second.deadLetters).toEqual([
      { sequenceNumber: '1', subSequenceNumbers: [0] },
      { sequenceNumber: '2' }
    ])
  })

  it('refuses other lines, in another order, and too few, before anything new is read', () => {
    const open = reopenable()
    const first = open()
    for (const line of lines.slice(0, 3)) first.decide(first.read(line) as number, acknowledged('1', 0))
    first.flush()
    for (const [x, y, z] of [
      ['a', 'b', 'x'],
      ['x', 'b', 'c'],
      ['b', 'a', 'c'],
      ['ab', '', 'c']
    ]) {
      const other = open()
      other.read(Buffer.from(x!))
      other.read(Buffer.from(y!))
      expect(() => other.read(Buffer.from(z!))).toThrow(UsageError)
    }
    const short = open()
    short.read(lines[0]!)
    short.read(lines[1]!)
    expect(() => short.end()).toThrow('the first 3 lines are not the same')
    short.read(lines[2]!)
    short.end()
  })

  it('holds nothing of the lines', () => {
    const path = makeStateFolder()
    const folder = StateFolder.open(path)
    onTestFinished(() => folder.close())
    const progress = new RunProgress(folder)
    progress.decide(progress.read(Buffer.from('secret payload')) as number, acknowledged('1', 0))
    progress.flush()
    for (const file of readdirSync(join(path, 'run'))) {
      expect(readFileSync(join(path, 'run', file), 'utf8')).not.toContain('secret')
    }
  })
})
