export { StateDocument } from './document.ts'
export { StateError } from './errors.ts'
export { StateFolder } from './folder.ts'
export { type LiveEntries, StateLog, type StateLogOptions } from './log.ts'
