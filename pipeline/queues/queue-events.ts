/** What a receiver tells while it works. Never a payload, a key or a context value. */
export type QueueEvent =
  /** It can never be opened as it is, and stays in the queue. */
  | {
      readonly type: 'messageRefused'
      readonly messageId: string
      /** How often it was received, this time included; the queue's redrive policy goes by that number. */
      readonly receiveCount: number
      readonly errorCode: string
    }
  /** Messages are held until their key can be had again. */
  | {
      readonly type: 'keyUnavailable'
      readonly messages: number
      /** What the key service answered; undefined for an unreachable service. */
      readonly serviceCode: string | undefined
    }
  /** It was held for a key for too long, or removed meanwhile: it is the queue's again, and is not handed on. */
  | { readonly type: 'messageNotHeld'; readonly messageId: string; readonly errorCode: string }
