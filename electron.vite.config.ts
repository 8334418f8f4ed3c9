// Bundles the desktop program: main process and its helpers, preload, and the React interface.
import react from '@vitejs/plugin-react'
import { defineConfig } from 'electron-vite'

export default defineConfig({
  main: {
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
