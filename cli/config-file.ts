import { readFile } from 'node:fs/promises'
import { extname, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { PipelinePlan } from '../pipeline/index.ts'
import { UsageError } from './exit-code.ts'

/** Reads a plan from `.json`, `.js`, `.mjs` (default export) or, with the package `jiti`, `.ts`. */
export async function readConfigFile(path: string): Promise<PipelinePlan> {
  const file = resolve(path)
  const extension = extname(file)
  try {
    switch (extension) {
      case '.json':
        return JSON.parse(await readFile(file, 'utf8')) as PipelinePlan
      case '.js':
      case '.mjs':
        return defaultExport(await import(pathToFileURL(file).href), path)
      case '.ts':
      case '.mts':
        return defaultExport(await (await loadJiti()).import(file), path)
    }
  } catch (error) {
    if (error instanceof UsageError) throw error
    throw new UsageError(`--config ${path}: cannot be read: ${(error as Error).message}`)
  }
  throw new UsageError(`--config ${path}: expected a file that ends in .json, .js, .mjs, .ts or .mts`)
}

function defaultExport(module: unknown, path: string): PipelinePlan {
  const plan = (module as { default?: PipelinePlan }).default
  if (typeof plan === 'object' && plan !== null) return plan
  throw new UsageError(`--config ${path}: has no default export that is a plan`)
}

interface Jiti {
  import(file: string): Promise<unknown>
}

async function loadJiti(): Promise<Jiti> {
  try {
    const { createJiti } = await import('jiti')
    return createJiti(import.meta.url) as unknown as Jiti
  } catch {
    throw new UsageError('a TypeScript configuration needs the package jiti: npm i -D jiti')
  }
}
