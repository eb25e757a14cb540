// Usage: node .ci/bundle-sizes.js [OUTDIR]
// Bundles the functions of examples/lambda as a user would, prints how large they are, and fails when something is inside
// that a function has no use for. Needs the build. With OUTDIR the bundles are kept.
import { mkdirSync, writeFileSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'

const root = resolve(import.meta.dirname, '..')
const functions = ['orders-function.js', 'orders-transform.js']
/** Of dist/: a producer, a worker, an engine or the pipeline around them is no part of a function. */
const allowed = ['core', 'crypto', 'lambda']
/** Without the SDK, which the Node runtimes of Lambda bring along. Bytes, minified. */
const mostBytes = 50_000

const outdir = process.argv[2]
const findings = []
for (const file of functions) {
  for (const external of [['@aws-sdk/*'], []]) {
    const { bytes, inputs } = await bundle(join(root, 'examples/lambda', file), external)
    const isAlone = external.length > 0
    const name = basename(file, '.js')
    console.log(
      `${name}, the SDK ${isAlone ? 'left to the runtime' : 'inside'}: ${kilobytes(bytes)} kB minified, ${kilobytes(gzipSync(bytes))} kB gzipped`
    )
    for (const input of inputs) {
      const folder = /^dist\/([^/]+)\//.exec(input)?.[1]
      if (folder !== undefined && !allowed.includes(folder)) findings.push(`${name} holds ${input}`)
      const client = /node_modules\/(@aws-sdk\/client-[^/]+)\//.exec(input)?.[1]
      if (client !== undefined && client !== '@aws-sdk/client-kms') findings.push(`${name} holds ${client}`)
    }
    if (isAlone && bytes.length > mostBytes) findings.push(`${name} is larger than ${mostBytes} bytes`)
    if (outdir === undefined) continue
    mkdirSync(outdir, { recursive: true })
    writeFileSync(join(outdir, `${name}${isAlone ? '' : '-with-sdk'}.mjs`), bytes)
  }
}
if (findings.length > 0) {
  console.error(`the bundles are not what they should be:\n  ${findings.join('\n  ')}`)
  process.exit(1)
}

/**
 * @param {string} entry
 * @param {readonly string[]} external
 */
async function bundle(entry, external) {
  const { outputFiles, metafile } = await build({
    entryPoints: [entry],
    absWorkingDir: root,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    minify: true,
    // Lambda tells errors by their names.
    keepNames: true,
    // The SDK has CommonJS inside, which asks for Node's own modules by require.
    banner: {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);"
    },
    external: [...external],
    write: false,
    metafile: true,
    logLevel: 'error'
  })
  const [{ inputs = {} } = {}] = Object.values(metafile.outputs)
  return { bytes: outputFiles[0]?.contents ?? new Uint8Array(), inputs: Object.keys(inputs) }
}

/** @param {Uint8Array} bytes */
function kilobytes({ length }) {
  return Math.round(length / 1_000)
}
