// Built to run under `script-src 'self'; style-src 'self'`: no inlined assets, no preload polyfill, no inline script or style.
import react from '@vitejs/plugin-react';
import type {Plugin} from 'vite';
import {defineConfig} from 'vitest/config';

// The first paint waits for the script, so that a chosen theme never flashes in the wrong colour. Vite drops the attribute.
const blocking: Plugin = {
  name: 'blocking-render',
  transformIndexHtml: {order: 'post', handler: (html) => html.replace('<script type="module"', '<script type="module" blocking="render"')},
};

export default defineConfig({
  plugins: [react(), blocking],
  build: {
    target: 'es2022',
    modulePreload: {polyfill: false},
    assetsInlineLimit: 0,
    sourcemap: false,
  },
  server: {proxy: {'/api': process.env['SLUICE_WEB'] ?? 'http://127.0.0.1:18090'}},
  test: {environment: 'happy-dom', include: ['src/**/*.test.{ts,tsx}'], restoreMocks: true, css: true},
});
