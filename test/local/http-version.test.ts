import { connect, type Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { describe, expect, it, onTestFinished } from 'vitest'
import { listen } from '../../local/http-server.ts'
import { maxUndecidedMs, whenVersionIsKnown } from '../../local/http-version.ts'
import { FakeClock, settle } from '../helpers/fake-clock.ts'

function aConnection() {
  const clock = new FakeClock()
  const socket = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() })
  const decisions: { readonly version: string; readonly bytes: string }[] = []
  whenVersionIsKnown(socket as Socket, clock, version => {
    decisions.push({ version, bytes: String(socket.read()) })
  })
  return {
    clock,
    socket,
    decisions,
    async receive(...pieces: readonly string[]) {
      for (const piece of pieces) {
        socket.push(piece)
        await settle()
      }
    }
  }
}

describe('which HTTP a connection speaks', () => {
  it.each([
    [['PRI * HTTP/2.0\r\n'], 'http2', 'PRI * HTTP/2.0\r\n'],
    [['P', 'R', 'I', ' ', '* HTTP/2.0'], 'http2', 'PRI '],
    [['PRI', ' * HTTP/2.0'], 'http2', 'PRI * HTTP/2.0'],
    [['POST / HTTP/1.1'], 'http1', 'POST / HTTP/1.1'],
    [['P', 'OST / HTTP/1.1'], 'http1', 'POST / HTTP/1.1'],
    [['P', 'R', 'OPFIND / HTTP/1.1'], 'http1', 'PROPFIND / HTTP/1.1'],
    [['PR', 'I', 'NT / HTTP/1.1'], 'http1', 'PRINT / HTTP/1.1'],
    [['G', 'ET / HTTP/1.1'], 'http1', 'G'],
    [['\x16', '\x03\x01'], 'tls', '\x16'],
    [['P', '\x16'], 'http1', 'P\x16']
  ])('is told by %j: %s, with %j put back', async (pieces, version, bytes) => {
    const { receive, decisions, clock } = aConnection()
    await receive(...pieces)
    expect(decisions).toEqual([{ version, bytes }])
    expect(clock.pending).toBe(0)
  })

  it('is not told by what begins both; the connection is ended when nothing follows in time', async () => {
    const { receive, decisions, clock, socket } = aConnection()
    await receive('P')
    await clock.advance(maxUndecidedMs - 1)
    // No more time for more bytes.
    await receive('R')
    expect(socket.destroyed).toBe(false)
    await clock.advance(1)
    expect(socket.destroyed).toBe(true)
    expect(decisions).toEqual([])
  })

  it('may be told late: a connection that sends nothing is kept', async () => {
    const { receive, decisions, clock } = aConnection()
    await clock.advance(86_400_000)
    await receive('GET')
    expect(decisions).toEqual([{ version: 'http1', bytes: 'GET' }])
  })

  it('is not waited for when the connection ends', async () => {
    const { receive, decisions, clock, socket } = aConnection()
    await receive('P')
    expect(clock.pending).toBe(1)
    socket.destroy()
    await settle()
    expect([clock.pending, decisions.length]).toEqual([0, 0])
  })

  it('lets a server answer a request that comes byte by byte', async () => {
    const server = await listen((request, response) => response.end(`${request.method} is served`))
    onTestFinished(() => server.close())
    const socket = connect({ port: server.port, host: '127.0.0.1', noDelay: true })
    onTestFinished(() => void socket.destroy())
    for (const byte of 'PUT / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n') {
      await new Promise<void>(resolve => socket.write(byte, () => resolve()))
      await settle()
    }
    let answer = ''
    for await (const chunk of socket) answer += String(chunk)
    expect(answer).toContain('PUT is served')
  })
})
