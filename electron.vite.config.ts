// Bundles the desktop program: main process and its helpers, preload, and the React interface.
import { posix } from 'node:path'
import react from '@vitejs/plugin-react'
import { defineConfig } from 'electron-vite'

/** In the sources a thread is started by the URL of its TypeScript file. In the bundle that file is a program beside the others. */
const threadFiles = {
  name: 'thread-files',
  renderChunk: (code: string, { fileName }: { readonly fileName: string }) => {
    const up = posix.relative(posix.dirname(fileName), '.') || '.'
    return code.replace(
      /new URL\((["'])\.\/([\w-]+-worker)\.ts\1, import\.meta\.url\)/g,
      (_, quote: string, name: string) => `new URL(${quote}${up}/${name}.js${quote}, import.meta.url)`,
    )
  },
}

export default defineConfig({
  main: {
    plugins: [threadFiles],
    build: {
      rolldownOptions: {
        input: {
          index: 'src/main/index.ts',
          'bench-process': 'src/main/hosts/electron/bench-process.ts',
          'decode-worker': 'src/main/io/workers/decode-worker.ts',
        },
      },
    },
  },
  preload: {
    build: {
      // A sandboxed preload may require nothing but Electron, and must be CommonJS.
      externalizeDeps: false,
      rolldownOptions: {
        input: { index: 'src/preload/index.ts' },
        output: { format: 'cjs', entryFileNames: '[name].cjs' },
      },
    },
  },
  renderer: {
    root: 'src/renderer',
    plugins: [react()],
    build: { minify: true, rolldownOptions: { input: { index: 'src/renderer/index.html' } } },
  },
})
