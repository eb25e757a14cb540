import { configDefaults, defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts', 'examples/**/*.vitest.test.js'],
    // Needs packages of its own: npm run test:cdk.
    exclude: [...configDefaults.exclude, 'test/cdk/**'],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // Worker threads start faster than child processes; no test relies on process-wide state.
    pool: 'threads',
    env: { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' },
    maxWorkers: 2
  }
})
