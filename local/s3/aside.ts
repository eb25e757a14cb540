/** Name of a file that is written and not in place yet: what it begins with. */
export const asidePrefix = '.incoming-'
