import preact from '@preact/preset-vite';
import { defineConfig } from 'vite';

/** Where `vite` (the development server) finds the API: a master, or the simulated one of dev/mock.ts. */
const api = process.env.ICEFALL_API ?? 'http://127.0.0.1:8011';

export default defineConfig({
  plugins: [preact()],
  build: {
    // Browsers with light-dark(), <dialog>, popovers: early 2024 and newer.
    target: ['chrome123', 'firefox125', 'safari17.5'],
    // The page is served with a strict content security policy: nothing is inlined.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: { host: '127.0.0.1', port: 8012, proxy: { '/api': api } },
});
