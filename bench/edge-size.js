// Usage: node bench/edge-size.js
// Bundles the device of examples/devices for the edge, and prints how large it is: with a key of its own, and with a KMS
// keyring, whose client of the SDK comes along. Needs the build.
import { resolve } from 'node:path'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'

const root = resolve(import.meta.dirname, '..')
const entries = {
  'raw AES key': "export { createDevice } from './examples/devices/device.js'",
  'KMS keyring': "export { kmsKeyring } from 'sealstream/crypto'"
}
/** Of dist/: what sealing needs. */
const allowed = ['core', 'crypto']

for (const [name, contents] of Object.entries(entries)) {
  const { outputFiles, metafile } = await build({
    stdin: { contents, resolveDir: root },
    absWorkingDir: root,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    minify: true,
    // The SDK has CommonJS inside, which asks for Node's own modules by require.
    banner: {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);"
    },
    write: false,
    metafile: true,
    logLevel: 'error'
  })
  const bytes = outputFiles[0].contents
  const inputs = Object.entries(Object.values(metafile.outputs)[0].inputs)
    .filter(([, { bytesInOutput }]) => bytesInOutput > 0)
    .map(([input]) => input)
  const strangers = inputs.filter(input => {
    const folder = /^dist\/([^/]+)\//.exec(input)?.[1]
    return folder !== undefined && !allowed.includes(folder)
  })
  if (strangers.length > 0) {
    console.error(`the bundle holds what a device has no use for:\n  ${strangers.join('\n  ')}`)
    process.exit(1)
  }
  const packages = new Set(
    inputs.map(input => /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input)?.[1]).filter(Boolean)
  )
  console.log(
    `${name}: ${kilobytes(bytes)} kB minified, ${kilobytes(gzipSync(bytes))} kB gzipped, ${packages.size} packages`
  )
}

/** @param {Uint8Array} bytes */
function kilobytes({ length }) {
  return (length / 1_000).toFixed(length < 100_000 ? 1 : 0)
}
