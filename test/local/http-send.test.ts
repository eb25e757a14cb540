import { describe, expect, it, onTestFinished } from 'vitest'
import { networkSend } from '../../local/firehose/destinations/http-send.ts'
import { listen, type RequestListener, readBody } from '../../local/http-server.ts'
import { FakeClock } from '../helpers/fake-clock.ts'

const never = new AbortController().signal

async function start(listener: RequestListener) {
  const server = await listen(listener)
  onTestFinished(() => server.close())
  const clock = new FakeClock()
  const send = networkSend(clock)
  return {
    server,
    clock,
    post: (path = '/', signal = never) =>
      send({ url: `${server.url}${path}`, headers: { 'x-mine': 'yes' }, body: Buffer.from('body'), signal })
  }
}

describe('posts over the network', () => {
  it('bring status, text and cookies, whatever the status', async () => {
    const { post } = await start((request, response) => {
      void readBody(request, 100).then(body => {
        response.setHeader('set-cookie', ['a=1; Path=/; HttpOnly', 'b=2=3'])
        response.writeHead(503)
        response.end(`${request.method} ${request.headers['x-mine']} ${body}`)
      })
    })
    expect(await post()).toEqual({ status: 503, body: 'POST yes body', cookies: ['a=1', 'b=2=3'] })
  })

  it('do not follow redirects', async () => {
    const paths: (string | undefined)[] = []
    const { post } = await start((request, response) => {
      paths.push(request.url)
      response.writeHead(302, { location: '/elsewhere' })
      response.end()
    })
    expect((await post()).status).toBe(302)
    expect(paths).toEqual(['/'])
  })

  it('tell a connection that is cut from one that is refused', async () => {
    const { server, post } = await start(request => request.socket.destroy())
    await expect(post()).rejects.toMatchObject({ name: 'HttpSendError', reason: 'closed' })
    await server.close()
    await expect(post()).rejects.toMatchObject({ reason: 'timeout' })
  })

  it('give up after three minutes without an answer', async () => {
    let arrived = (): void => {}
    const isHere = new Promise<void>(resolve => {
      arrived = resolve
    })
    const { post, clock } = await start(() => arrived())
    const sent = post().catch((error: unknown) => error)
    await isHere
    await clock.advance(179_999)
    expect(clock.pending).toBe(1)
    await clock.advance(1)
    expect(await sent).toMatchObject({ reason: 'timeout' })
    expect(clock.pending).toBe(0)
  })

  it('end at once with the reason of the signal', async () => {
    const end = new AbortController()
    const { post, clock } = await start(() => end.abort(new Error('deleted')))
    await expect(post('/', end.signal)).rejects.toThrow('deleted')
    await expect(post('/', end.signal)).rejects.toThrow('deleted')
    expect(clock.pending).toBe(0)
  })
})
