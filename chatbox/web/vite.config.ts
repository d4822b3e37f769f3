import { defineConfig } from 'vitest/config';

export default defineConfig({
  // The server may mount the page under any prefix, so every URL in it is relative.
  base: './',
  build: {
    target: 'es2022',
    modulePreload: { polyfill: false },
    rolldownOptions: { input: 'chat.html' },
  },
  test: { include: ['test/**/*.test.{ts,tsx}'] },
});
