/** Answers of the HTTP Event Collector, as Splunk numbers them. */
export const replies = {
  success: { status: 200, code: 0, text: 'Success' },
  tokenDisabled: { status: 403, code: 1, text: 'Token disabled' },
  tokenRequired: { status: 401, code: 2, text: 'Token is required' },
  invalidAuthorization: { status: 401, code: 3, text: 'Invalid authorization' },
  invalidToken: { status: 403, code: 4, text: 'Invalid token' },
  noData: { status: 400, code: 5, text: 'No data' },
  invalidDataFormat: { status: 400, code: 6, text: 'Invalid data format' },
  incorrectIndex: { status: 400, code: 7, text: 'Incorrect index' },
  busy: { status: 503, code: 9, text: 'Server is busy' },
  channelMissing: { status: 400, code: 10, text: 'Data channel is missing' },
  invalidChannel: { status: 400, code: 11, text: 'Invalid data channel' },
  eventRequired: { status: 400, code: 12, text: 'Event field is required' },
  eventBlank: { status: 400, code: 13, text: 'Event field cannot be blank' },
  acknowledgementDisabled: { status: 400, code: 14, text: 'ACK is disabled' },
  healthy: { status: 200, code: 17, text: 'HEC is healthy' }
} as const

export type HecReply = (typeof replies)[keyof typeof replies]

/** A request that is answered with something else than success. */
export class HecError extends Error {
  readonly reply: HecReply
  /** Further members of the answer. */
  readonly members: Readonly<Record<string, unknown>>

  constructor(reply: HecReply, members: Readonly<Record<string, unknown>> = {}) {
    super(reply.text)
    this.name = 'HecError'
    this.reply = reply
    this.members = members
  }
}
