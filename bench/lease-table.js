/**
 * @typedef {import('sealstream/consumer').Lease} Lease
 * @typedef {import('sealstream/consumer').LeaseTable} LeaseTable
 */

/**
 * A lease table in memory that counts its writes: each call below would be one write request to DynamoDB.
 * @implements {LeaseTable}
 */
export class CountingLeaseTable {
  writes = 0
  /** @type {Map<string, Lease>} */
  #rows = new Map()

  async ensure() {}

  async list() {
    return [...this.#rows.values()]
  }

  /** @param {Lease} lease */
  async create(lease) {
    if (this.#rows.has(lease.leaseKey)) return false
    this.writes += 1
    this.#rows.set(lease.leaseKey, lease)
    return true
  }

  /** @param {Lease} lease */
  async renew(lease) {
    return this.#write(lease, {})
  }

  /**
   * @param {Lease} lease
   * @param {string} workerId
   */
  async take(lease, workerId) {
    return this.#write(lease, { leaseOwner: workerId })
  }

  /**
   * @param {Lease} lease
   * @param {import('sealstream/consumer').CheckpointUpdate} update
   */
  async checkpoint(lease, update) {
    return this.#write(lease, update)
  }

  /** @param {Lease} lease */
  async release(lease) {
    return this.#write(lease, { leaseOwner: undefined })
  }

  close() {}

  /**
   * @param {Lease} seen
   * @param {Partial<Lease>} change
   */
  #write(seen, change) {
    this.writes += 1
    if (this.#rows.get(seen.leaseKey)?.leaseCounter !== seen.leaseCounter) return undefined
    const written = { ...seen, ...change, leaseCounter: seen.leaseCounter + 1 }
    this.#rows.set(seen.leaseKey, written)
    return written
  }
}
