import { describe, expect, it } from 'vitest'
import { Ledger } from '../../pipeline/ledger.ts'

const bytes = (text: string): Buffer => Buffer.from(text)

describe('Ledger', () => {
  it('counts an id once, and further deliveries of it as duplicates', () => {
    const ledger = new Ledger()
    ledger.acknowledge(ledger.accept(bytes('a')), '1', 0)
    ledger.deliver(bytes('a'))
    ledger.deliver(bytes('a'))
    expect(ledger.summary).toMatchObject({ accepted: 1, delivered: 1, duplicates: 1, lost: 0 })
    expect(ledger.settled).toBe(true)
  })

  it('does not count altered bytes as delivered', () => {
    const ledger = new Ledger()
    ledger.acknowledge(ledger.accept(bytes('a')), '1', 0)
    ledger.deliver(bytes('b'))
    expect(ledger.summary).toMatchObject({ delivered: 0, foreign: 1, lost: 1 })
    expect(ledger.settled).toBe(false)
  })

  it('counts lines with equal bytes one by one', () => {
    const ledger = new Ledger()
    for (let line = 0; line < 3; line += 1) ledger.acknowledge(ledger.accept(bytes('same')), '1', line)
    ledger.deliver(bytes('same'))
    ledger.deliver(bytes('same'))
    expect(ledger.summary).toMatchObject({ delivered: 2, duplicates: 0, lost: 1 })
    ledger.deliver(bytes('same'))
    ledger.deliver(bytes('same'))
    expect(ledger.summary).toMatchObject({ delivered: 3, duplicates: 1, lost: 0 })
  })

  it('knows the ids of a dead-lettered Kinesis record, whole or in part', () => {
    const ledger = new Ledger()
    const [a, b, c] = ['a', 'b', 'c'].map(text => ledger.accept(bytes(text)))
    // Acknowledgements may come in any order; the sub-sequence number says who is who.
    ledger.acknowledge(b!, '7', 1)
    ledger.acknowledge(a!, '7', 0)
    ledger.acknowledge(c!, '8', 0)
    ledger.deadLetter('7', [1])
    expect(ledger.summary).toMatchObject({ deadLettered: 1, lost: 2 })
    ledger.deadLetter('8')
    ledger.deadLetter('8')
    ledger.deliver(bytes('a'))
    expect(ledger.summary).toMatchObject({ delivered: 1, deadLettered: 2, lost: 0 })
  })

  it('knows of a dead letter that comes before the acknowledgement', () => {
    const ledger = new Ledger()
    ledger.deadLetter('7', [0])
    ledger.deadLetter('7', [2])
    ledger.deadLetter('8')
    for (const [text, sequenceNumber, sub] of [
      ['a', '7', 0],
      ['b', '7', 1],
      ['c', '7', 2],
      ['d', '8', 0],
      ['e', '8', 5]
    ] as const) {
      ledger.acknowledge(ledger.accept(Buffer.from(text)), sequenceNumber, sub)
    }
    expect(ledger.summary).toMatchObject({ accepted: 5, deadLettered: 4, lost: 1 })
    ledger.deliver(Buffer.from('b'))
    expect(ledger.settled).toBe(true)
  })

  it('leaves what was delivered as delivered when its Kinesis record is dead-lettered later', () => {
    const ledger = new Ledger()
    ledger.acknowledge(ledger.accept(bytes('a')), '1', 0)
    ledger.deliver(bytes('a'))
    ledger.deadLetter('1')
    expect(ledger.summary).toMatchObject({ delivered: 1, deadLettered: 0 })
  })

  it('keeps what was handed back and what is in flight apart from what is lost', () => {
    const ledger = new Ledger()
    const ids = Array.from({ length: 3000 }, (_, index) => ledger.accept(bytes(`r${index}`)))
    ledger.handBack(ids[0]!)
    ledger.acknowledge(ids[1]!, '1', 0)
    expect(ledger.summary).toEqual({
      accepted: 3000,
      delivered: 0,
      duplicates: 0,
      deadLettered: 0,
      handedBack: 1,
      inFlight: 2998,
      lost: 1,
      foreign: 0,
      destinations: { s3: { delivered: 0, duplicates: 0, foreign: 0 } }
    })
  })

  it('counts a line that repeats a delivered one, however late it comes', () => {
    const ledger = new Ledger()
    for (let line = 0; line < 3; line += 1) {
      ledger.acknowledge(ledger.accept(bytes('same')), '1', line)
      ledger.deliver(bytes('same'))
    }
    expect(ledger.summary).toMatchObject({ delivered: 3, duplicates: 0, lost: 0 })
  })

  it('takes what was delivered before it was put again for a duplicate, and waits for the new one', () => {
    const ledger = new Ledger()
    ledger.deliver(bytes('a'))
    ledger.deliver(bytes('a'))
    expect(ledger.summary).toMatchObject({ foreign: 2, duplicates: 0 })
    ledger.acknowledge(ledger.accept(bytes('a')), '1', 0)
    expect(ledger.summary).toMatchObject({ foreign: 0, duplicates: 2, delivered: 0, lost: 1 })
    ledger.deliver(bytes('a'))
    expect(ledger.summary).toMatchObject({ foreign: 0, duplicates: 2, delivered: 1, lost: 0 })
  })

  it('takes what was delivered of a record that is not put again for its own, equal ones included', () => {
    const ledger = new Ledger()
    for (let deliveries = 0; deliveries < 3; deliveries += 1) ledger.deliver(bytes('a'))
    for (let line = 0; line < 2; line += 1) ledger.acknowledge(ledger.acceptAgain(bytes('a')), '1', line)
    expect(ledger.summary).toMatchObject({ accepted: 2, delivered: 2, duplicates: 1, foreign: 0, lost: 0 })
    // And what was not delivered yet is waited for.
    ledger.acknowledge(ledger.acceptAgain(bytes('b')), '2', 0)
    expect(ledger.summary).toMatchObject({ delivered: 2, lost: 1 })
    ledger.deliver(bytes('b'))
    expect(ledger.settled).toBe(true)
  })
})

describe('Ledger of several destinations', () => {
  const several = () =>
    new Ledger([
      { name: 's3', identity: 'bytes' },
      { name: 'elasticsearch', identity: 'json' },
      { name: 'splunk', identity: 'bytes' }
    ])
  const text = '{"id": "a", "v": 1}'
  const document = { v: 1, id: 'a' }

  it('counts as lost what is not at every destination', () => {
    const ledger = several()
    ledger.acknowledge(ledger.accept(bytes(text)), '1', 0)
    ledger.deliver(bytes(text), 0)
    ledger.deliver(document, 1)
    expect(ledger.summary).toMatchObject({
      accepted: 1,
      delivered: 0,
      lost: 1,
      destinations: { s3: { delivered: 1 }, elasticsearch: { delivered: 1 }, splunk: { delivered: 0 } }
    })
    expect(ledger.settled).toBe(false)
    ledger.deliver(bytes(text), 2)
    expect(ledger.summary).toMatchObject({
      delivered: 1,
      lost: 0,
      destinations: { splunk: { delivered: 1 } }
    })
    expect(ledger.settled).toBe(true)
  })

  it('counts duplicates and what was not put apart, for each', () => {
    const ledger = several()
    ledger.accept(bytes(text))
    for (const content of [document, document, { ...document, v: 2 }]) ledger.deliver(content, 1)
    // The same JSON in other bytes is no delivery to a destination that keeps bytes.
    ledger.deliver(bytes(JSON.stringify(document)), 2)
    expect(ledger.summary).toMatchObject({
      duplicates: 1,
      foreign: 2,
      destinations: {
        s3: { delivered: 0, duplicates: 0, foreign: 0 },
        elasticsearch: { delivered: 1, duplicates: 1, foreign: 1 },
        splunk: { delivered: 0, duplicates: 0, foreign: 1 }
      }
    })
  })

  it('counts equal lines one by one at each, and lines that only one destination cannot tell apart', () => {
    const ledger = several()
    const lines = [text, text, JSON.stringify({ id: 'a', v: 1 })]
    for (const line of lines) ledger.accept(bytes(line))
    for (const line of lines) {
      ledger.deliver(bytes(line), 0)
      ledger.deliver(bytes(line), 2)
      ledger.deliver(document, 1)
    }
    expect(ledger.summary).toMatchObject({ delivered: 3, duplicates: 0, foreign: 0, inFlight: 0 })
    ledger.deliver(document, 1)
    expect(ledger.summary).toMatchObject({ duplicates: 1 })
  })

  it('knows a dead letter that some destinations have, and counts it as delivered when all do', () => {
    const ledger = several()
    ledger.acknowledge(ledger.accept(bytes(text)), '1', 0)
    ledger.deliver(bytes(text), 0)
    ledger.deadLetter('1')
    expect(ledger.summary).toMatchObject({ deadLettered: 1, lost: 0, destinations: { s3: { delivered: 1 } } })
    expect(ledger.settled).toBe(true)
    ledger.deliver(document, 1)
    ledger.deliver(bytes(text), 2)
    expect(ledger.summary).toMatchObject({ deadLettered: 0, delivered: 1 })
  })

  it('claims at each destination what it has of a record that is not put again', () => {
    const ledger = several()
    for (const content of [document, document]) ledger.deliver(content, 1)
    ledger.deliver(bytes(text), 0)
    ledger.acknowledge(ledger.acceptAgain(bytes(text)), '1', 0)
    expect(ledger.summary).toMatchObject({
      lost: 1,
      foreign: 0,
      destinations: {
        s3: { delivered: 1, duplicates: 0 },
        elasticsearch: { delivered: 1, duplicates: 1 },
        splunk: { delivered: 0, duplicates: 0 }
      }
    })
    ledger.deliver(bytes(text), 2)
    expect(ledger.summary).toMatchObject({ delivered: 1, lost: 0 })
  })
})
