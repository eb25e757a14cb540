import { type ChildProcess, execFileSync } from 'node:child_process'
import { appendFileSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { launchCommand, makeCommandFolder, type Outcome, outcome } from '../helpers/command.ts'

const folder = makeCommandFolder()
const lineCount = 60_000
/** Of inputs that are interrupted at their beginning alone. */
const otherCount = 20_000
const linesOf = (from: number, to: number): string =>
  Array.from(
    { length: to - from },
    (_, index) => `{"id":"${from + index}","text":"${'x'.repeat(80)}"}\n`
  ).join('')
const input = join(folder, 'input.ndjson')
writeFileSync(input, linesOf(0, lineCount))

/** `sealstream run` on a state folder of that name. */
function launch(state: string, ...args: string[]): ChildProcess {
  return launchCommand(folder, [
    'run',
    '--format',
    'ndjson',
    '--partition-key',
    'id',
    '--json',
    '--verbose',
    '--state',
    state,
    ...args
  ])
}

const file = ['--input', input]

/** Sends a signal as soon as the progress that is written down reaches so many lines. Returns how it ended. */
async function interruptAt(child: ChildProcess, state: string, lines: number, signal: 'SIGINT' | 'SIGKILL') {
  const ended = outcome(child)
  const log = join(folder, state, 'run', 'progress-00000001.log')
  while (child.exitCode === null && decidedIn(log) < lines)
    await new Promise(resolve => setTimeout(resolve, 10))
  child.kill(signal)
  return ended
}

/** Lines that a progress log says are decided: what a kill has cut off in the middle of an entry does not count. */
function decidedIn(log: string): number {
  const [, lines = '0'] = existsSync(log)
    ? (/.*{"lines":(\d+)[^\n]*\n/s.exec(readFileSync(log, 'utf8')) ?? [])
    : []
  return Number(lines)
}

/** Worker processes that the command told of and that are still there. */
function workersLeft({ stderr }: Outcome): number {
  const pids = [...stderr.matchAll(/runs as process (\d+)/g)].map(([, pid]) => Number(pid))
  expect(pids.length).toBeGreaterThan(0)
  return pids.filter(pid => {
    try {
      // A process that has ended and was not collected yet is no process any more.
      return !execFileSync('ps', ['-o', 'stat=', '-p', String(pid)])
        .toString()
        .startsWith('Z')
    } catch {
      return false
    }
  }).length
}

describe('sealstream run with a state folder', { timeout: 120_000, concurrent: false }, () => {
  it('goes on after SIGKILL, SIGKILL, SIGKILL and SIGINT, loses nothing, and says when it is complete', async () => {
    for (const lines of [1, 12_000, 24_000]) {
      const killed = await interruptAt(launch('killed', ...file), 'killed', lines, 'SIGKILL')
      expect(killed.code).toBeNull()
      await expect.poll(() => workersLeft(killed), { timeout: 10_000 }).toBe(0)
      expect(killed.stderr).not.toContain('EPIPE')
    }
    const interrupted = await interruptAt(launch('killed', ...file), 'killed', 36_000, 'SIGINT')
    expect(interrupted.code).toBe(130)
    expect(interrupted.stderr).toContain('the same command goes on from here')
    expect(interrupted.json).toMatchObject({ lost: 0, inFlight: 0 })

    const last = await outcome(launch('killed', ...file))
    expect(last.json).toMatchObject({
      accepted: lineCount,
      delivered: lineCount,
      lost: 0,
      inFlight: 0,
      handedBack: 0,
      plaintextFoundAtRest: 0
    })
    expect(last.code).toBe(0)
    // It went on, and did not begin anew.
    expect(Number(last.json.bytesIn)).toBeLessThan((lineCount / 2) * 100)

    const again = await outcome(launch('killed', ...file))
    expect(again.json).toEqual(last.json)
    expect(again.stderr).toContain('is complete: nothing was put again')
    expect(again.code).toBe(0)
  })

  it('skips on standard input what it has read before', async () => {
    const feed = (child: ChildProcess, text: string) => {
      child.stdin!.on('error', () => {})
      child.stdin!.end(text)
      return child
    }
    const text = linesOf(0, 3_000)
    const first = feed(launch('stdin', '--input', '-', '--on-bad-line', 'skip'), `${text}no json\n`)
    await interruptAt(first, 'stdin', 1, 'SIGKILL')
    const second = await outcome(
      feed(launch('stdin', '--input', '-', '--on-bad-line', 'skip'), `${text}no json\n`)
    )
    expect(second.json).toMatchObject({ accepted: 3_000, delivered: 3_000, lost: 0, refused: 1 })
  })

  it('refuses an input that is not the same, and puts nothing of it', async () => {
    const other = join(folder, 'other.ndjson')
    writeFileSync(other, linesOf(0, otherCount))
    const args = ['--input', other]
    await interruptAt(launch('other', ...args), 'other', 1, 'SIGKILL')
    const decided = decidedIn(join(folder, 'other', 'run', 'progress-00000001.log'))
    for (const text of [linesOf(1, otherCount), linesOf(0, decided - 1)]) {
      writeFileSync(other, text)
      const { code, stderr, stdout } = await outcome(launch('other', ...args))
      expect(stderr).toContain(`its run has read another input: the first ${decided} lines are not the same`)
      expect(stdout).toBe('')
      expect(code).toBe(2)
    }
    // More lines at its end are the same input.
    writeFileSync(other, linesOf(0, otherCount + 5))
    expect((await outcome(launch('other', ...args))).json).toMatchObject({
      accepted: otherCount + 5,
      delivered: otherCount + 5,
      lost: 0
    })
  })

  it('refuses other options, another engine, a folder in use, and a damaged file, each by name', async () => {
    const small = join(folder, 'small.ndjson')
    writeFileSync(small, linesOf(0, 2))
    const args = ['--input', small]
    expect((await outcome(launch('options', ...args))).code).toBe(0)
    const refused = async (...given: string[]) => {
      const { code, stderr } = await outcome(launch('options', ...given))
      expect(code).toBe(2)
      return stderr
    }
    expect(await refused('--input', small, '--on-bad-line', 'skip')).toContain(
      'its run was started with another --on-bad-line'
    )
    expect(await refused(...file)).toContain('its run was started with another --input')
    expect(await refused(...args, '--engine', 'endpoint', '--endpoint', 'http://127.0.0.1:1')).toContain(
      '--state goes with the embedded engine'
    )
    writeFileSync(join(folder, 'options', 'lock'), `${process.pid}\n`)
    expect(await refused(...args)).toContain(`is in use by process ${process.pid}`)
    rmSync(join(folder, 'options', 'lock'))
    appendFileSync(join(folder, 'options', 'run', 'complete.json'), 'x')
    expect(await refused(...args)).toContain(`${join('run', 'complete.json')} is damaged`)
  })
})
