/** An error as a search cluster answers it. */
export class SearchError extends Error {
  readonly type: string
  readonly status: number

  constructor(status: number, type: string, reason: string) {
    super(reason)
    this.name = 'SearchError'
    this.type = type
    this.status = status
  }

  /** What stands under `error`. */
  get body(): { readonly type: string; readonly reason: string } {
    return { type: this.type, reason: this.message }
  }
}
