import { setTimeout as sleep } from 'node:timers/promises'
import { DynamoDBClient, ScanCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb'
import { judgeLeases, strangeAttribute } from './judge-leases.js'

const scanEveryMs = 1_000

/** Looks at a lease table each second while a fleet works, and gives each new row an attribute that no worker knows. */
export class LeaseWatch {
  #dynamodb
  #tableName
  /** @type {import('./judge-leases.js').Scan[]} */
  #scans = []
  /** Keys of rows. */
  #marked = new Set()
  #started = Date.now()
  #stop = new AbortController()
  #running

  /**
   * @param {import('@aws-sdk/client-dynamodb').DynamoDBClientConfig} clientConfig
   * @param {string} tableName
   */
  constructor(clientConfig, tableName) {
    this.#dynamodb = new DynamoDBClient(clientConfig)
    this.#tableName = tableName
    this.#running = this.#run()
    // What went wrong is thrown by stop().
    this.#running.catch(() => {})
  }

  /**
   * Looks for the last time, and judges what was seen.
   * @param {import('./judge-leases.js').Course} course
   */
  async stop(course) {
    this.#stop.abort()
    await this.#running
    await this.#look()
    return judgeLeases(this.#scans, course)
  }

  async close() {
    this.#stop.abort()
    await this.#running.catch(() => {})
    this.#dynamodb.destroy()
  }

  async #run() {
    const { signal } = this.#stop
    while (!signal.aborted) {
      await this.#look()
      await sleep(scanEveryMs, undefined, { signal }).catch(() => {})
    }
  }

  async #look() {
    const second = (Date.now() - this.#started) / 1_000
    const rows = await this.#scan()
    if (rows.length === 0) return
    this.#scans.push({ second, rows })
    await Promise.all(rows.map(row => this.#mark(row)))
  }

  /** @returns {Promise<import('./judge-leases.js').Row[]>} none as long as there is no table */
  async #scan() {
    try {
      /** @type {import('./judge-leases.js').Row[]} */
      const rows = []
      let from
      do {
        const page = await this.#dynamodb.send(
          new ScanCommand({ TableName: this.#tableName, ConsistentRead: true, ExclusiveStartKey: from })
        )
        rows.push(...(page.Items ?? []))
        from = page.LastEvaluatedKey
      } while (from !== undefined)
      // The KCL 3 keeps other things in the table too.
      return rows.filter(({ entityType }) => entityType === undefined || entityType.S === 'LEASE')
    } catch (error) {
      if (/** @type {Error} */ (error).name === 'ResourceNotFoundException') return []
      throw error
    }
  }

  /** @param {import('./judge-leases.js').Row} row */
  async #mark({ leaseKey }) {
    const key = leaseKey?.S ?? ''
    if (this.#marked.has(key)) return
    this.#marked.add(key)
    await this.#dynamodb.send(
      new UpdateItemCommand({
        TableName: this.#tableName,
        Key: { leaseKey: { S: key } },
        ConditionExpression: 'attribute_exists(leaseKey)',
        UpdateExpression: 'SET #strange = :strange',
        ExpressionAttributeNames: { '#strange': strangeAttribute },
        ExpressionAttributeValues: { ':strange': { S: strangeAttribute } }
      })
    )
  }
}
