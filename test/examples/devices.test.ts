import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { type Agent, Agent as HttpsAgent, request } from 'node:https'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import {
  CreateStreamCommand,
  GetRecordsCommand,
  GetShardIteratorCommand,
  KinesisClient,
  PutRecordCommand
} from '@aws-sdk/client-kinesis'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type Authority, createAuthority, type Identity } from '../helpers/certificates.ts'
import { opened, openLocal } from '../helpers/local.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
// The examples import the package by its name: they run on the build, as at a user's.
const { createDevice } = await import(`${root}examples/devices/device.js`)
const { createGateway } = await import(`${root}examples/devices/gateway.js`)
const { createReadingsWorker } = await import(`${root}examples/devices/readings-worker.js`)
const { rawAesKeyring } = await import('sealstream/crypto')
const { Producer } = await import('sealstream/producer')

async function startStream() {
  const local = await openLocal()
  const kinesis = opened(new KinesisClient(local.clientConfig('kinesis')))
  await kinesis.send(new CreateStreamCommand({ StreamName: 'readings', ShardCount: 1 }))
  return {
    local,
    kinesis,
    /** What the rule of the topic does: the payload as it is, under the second part of the topic. */
    rule: async (topic: string, Data: Uint8Array) => {
      await kinesis.send(
        new PutRecordCommand({ StreamName: 'readings', PartitionKey: topic.split('/')[1], Data })
      )
    },
    stored: async () => {
      const { ShardIterator } = await kinesis.send(
        new GetShardIteratorCommand({
          StreamName: 'readings',
          ShardId: 'shardId-000000000000',
          ShardIteratorType: 'TRIM_HORIZON'
        })
      )
      const { Records = [] } = await kinesis.send(new GetRecordsCommand({ ShardIterator }))
      return Records.map(({ Data, PartitionKey }) => ({ key: PartitionKey, data: Buffer.from(Data!) }))
    }
  }
}

describe('devices that seal', () => {
  it('are read by a worker, each by its own key, and one that is revoked is dead-lettered as it came', async () => {
    const { local, rule, stored } = await startStream()
    const keys = new Map(['m-1', 'm-2', 'm-3'].map((id, index) => [id, Buffer.alloc(32, index + 1)]))
    for (const [id, key] of keys) {
      const device = createDevice({ id, key, publish: rule })
      await device.report({ litres: 17, owner: 'MARKER' })
      device.close()
    }
    // In the name of another, with a key of its own: what a stolen device could try.
    const posing = createDevice({ id: 'm-1', key: keys.get('m-3')!, publish: rule })
    await posing.report({ litres: 0 })
    // Past the device: whoever may publish to the topic can send what is not sealed.
    await rule('meters/m-1/readings', Buffer.from('{"litres":0}'))

    for (const { data } of (await stored()).slice(0, 3)) expect(data.includes('MARKER')).toBe(false)

    keys.delete('m-2')
    const readings: [string, object][] = []
    const deadLetters: { partitionKey: string | undefined; errorCode: string }[] = []
    const done = new AbortController()
    const count = () => {
      if (readings.length + deadLetters.length === 5) done.abort()
    }
    const worker = createReadingsWorker({
      keyOf: (id: string) => keys.get(id),
      onReading: (id: string, reading: object) => {
        readings.push([id, reading])
        count()
      },
      options: {
        idleTimeBetweenReadsMs: 200,
        createTable: true,
        kinesis: { clientConfig: local.clientConfig('kinesis') },
        dynamodb: { clientConfig: local.clientConfig('dynamodb') },
        deadLetters: {
          put: async ({
            partitionKey,
            errorCode
          }: {
            partitionKey: string | undefined
            errorCode: string
          }) => {
            deadLetters.push({ partitionKey, errorCode })
            count()
          }
        }
      }
    })
    await worker.run({ signal: AbortSignal.any([done.signal, AbortSignal.timeout(25_000)]) })
    expect(readings).toEqual([
      ['m-1', { litres: 17, owner: 'MARKER' }],
      ['m-3', { litres: 17, owner: 'MARKER' }]
    ])
    expect(deadLetters).toEqual([
      { partitionKey: 'm-2', errorCode: 'SEALSTREAM_NO_USABLE_DATA_KEY' },
      { partitionKey: 'm-1', errorCode: 'SEALSTREAM_NO_USABLE_DATA_KEY' },
      { partitionKey: 'm-1', errorCode: 'SEALSTREAM_PLAINTEXT_REFUSED' }
    ])
  })
})

async function startGateway() {
  const { local, stored } = await startStream()
  const authority = await createAuthority()
  const keyring = rawAesKeyring({ namespace: 'test', name: 'gateway', key: Buffer.alloc(32, 9) })
  const producer = new Producer({
    streamName: 'readings',
    clientConfig: local.clientConfig('kinesis'),
    seal: { keyring, mode: 'record' }
  })
  const { key, certificate } = await authority.issue('gateway', '127.0.0.1')
  const ca = authority.certificate
  const gateway = createGateway({ key, certificate, ca, crl: await authority.crl(), producer })
  gateway.server.listen(0, '127.0.0.1')
  await once(gateway.server, 'listening')
  onTestFinished(async () => {
    gateway.server.closeAllConnections()
    gateway.server.close()
    await producer.close()
  })
  const { port } = gateway.server.address() as AddressInfo
  return { authority, gateway, port, stored, keyring }
}

/** What a device does: its connections stay open, and its sessions are taken up again. */
function agentOf(authority: Authority, identity?: Identity): Agent {
  const agent = new HttpsAgent({
    keepAlive: true,
    ca: authority.certificate,
    ...(identity === undefined ? {} : { key: identity.key, cert: identity.certificate })
  })
  onTestFinished(() => agent.destroy())
  return agent
}

/** Status of the answer, or the code of the error. */
async function report(port: number, agent: Agent, body: string | Buffer): Promise<number | string> {
  const sent = request({
    host: '127.0.0.1',
    port,
    agent,
    method: 'POST',
    headers: { 'content-length': Buffer.byteLength(body) }
  })
  sent.end(body)
  try {
    const [response] = await once(sent, 'response')
    await text(response)
    return response.statusCode
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error)
  }
}

describe('a gateway that seals for devices', () => {
  it('puts what a certificate sent under the name in the certificate, sealed', async () => {
    const { authority, port, stored } = await startGateway()
    const agent = agentOf(authority, await authority.issue('m-1'))
    expect(await report(port, agent, '{"litres":17,"owner":"MARKER"}')).toBe(201)
    const [record] = await stored()
    expect(record!.key).toBe('m-1')
    expect(record!.data.includes('MARKER')).toBe(false)
    expect(await report(port, agent, Buffer.alloc(65_537))).toBe(413)
    expect(await stored()).toHaveLength(1)
  })

  it('refuses who has no certificate, or one of another authority', async () => {
    const { authority, port, stored } = await startGateway()
    const stranger = await createAuthority()
    const refused = [
      await report(port, agentOf(authority), '{}'),
      await report(port, agentOf(authority, await stranger.issue('m-1')), '{}')
    ]
    for (const code of refused) expect(code).toMatch(/CERTIFICATE|ALERT|ECONNRESET|EPIPE/)
    expect(await stored()).toEqual([])
  })

  it('refuses a device from the moment of its revocation, on connections that are open, too', async () => {
    const { authority, gateway, port, stored } = await startGateway()
    const [first, second] = [await authority.issue('m-1'), await authority.issue('m-2')]
    const [kept, revoked] = [agentOf(authority, first), agentOf(authority, second)]
    expect(await report(port, revoked, '{}')).toBe(201)
    expect(await report(port, kept, '{}')).toBe(201)
    gateway.revoke(await authority.crl([second]))
    await expect
      .poll(
        () => Object.values(revoked.freeSockets).flat().length + Object.values(kept.freeSockets).flat().length
      )
      .toBe(0)
    for (let attempts = 0; attempts < 3; attempts += 1) {
      expect(await report(port, revoked, '{}')).toMatch(/ALERT|ECONNRESET|EPIPE/)
    }
    expect(await report(port, agentOf(authority, second), '{}')).toMatch(/ALERT|ECONNRESET|EPIPE/)
    expect(await report(port, kept, '{}')).toBe(201)
    expect((await stored()).map(({ key }) => key)).toEqual(['m-2', 'm-1', 'm-1'])
  })

  it('refuses everybody once its list of the revoked has expired', async () => {
    const { authority, gateway, port } = await startGateway()
    const agent = agentOf(authority, await authority.issue('m-1'))
    gateway.revoke(await authority.crl([], new Date(Date.now() - 60_000)))
    expect(await report(port, agent, '{}')).toMatch(/ALERT|ECONNRESET|EPIPE/)
  })
})

describe('the bundle of a device', () => {
  it('holds the sealing alone, and is as large as the guide says', () => {
    const { status, stdout, stderr } = spawnSync(process.execPath, ['bench/edge-size.js'], {
      cwd: root,
      encoding: 'utf8'
    })
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    const guide = readFileSync(`${root}/docs/guides/devices.md`, 'utf8')
    const lines = stdout.trim().split('\n')
    expect(lines[0]).toMatch(/^raw AES key: .*, 0 packages$/)
    for (const line of lines) {
      const [, name, minified, gzipped] = /^(.+): ([\d.]+) kB minified, ([\d.]+) kB gzipped/.exec(line) ?? []
      const [, said, saidGzipped] =
        guide.match(new RegExp(`\\| ${name} \\| ([\\d.]+) kB \\| ([\\d.]+) kB \\|`)) ?? []
      // Within a tenth.
      expect(Number(said) / Number(minified), line).toBeCloseTo(1, 0.7)
      expect(Number(saidGzipped) / Number(gzipped), line).toBeCloseTo(1, 0.7)
    }
  })
})
