/** The frames that docs/wire.md shows, which the server's tests hold it to: the page reads those, and sends these. */
import { expect, test } from 'vitest';
import { cancelFrame, helpRequestFrame, modelSelectFrame, parseFrame, regenerateFrame, resumeFrame, TYPING_FRAME, userMessageFrame } from '../src/core/wire';
import document from '../../../docs/wire.md?raw';

const SESSION = '0b6e4d2e-2f1c-4a44-9a52-0d1c5b6f7a11';
const RUN = '019b7d0a-5c2e-7b3f-8f21-6a0c4d9e1b02';
const frames = (side: string): string[] => [...document.matchAll(new RegExp(`^\`\`\`json ${side}\n(.*?)^\`\`\``, 'gms'))].map(([, json = '']) => json);

test.each(frames('server'))('the page understands %s', (json) => {
  expect(parseFrame(json, SESSION)).toBeDefined();
  expect(parseFrame(json, SESSION)?.type).not.toBe('unknown');
});

test.each([
  ['a message', userMessageFrame(SESSION, '7c9e6679-7425-40de-944b-e07fc1f90ae7', 'Hi there')],
  ['a message in other words', userMessageFrame(SESSION, '1b4e28ba-2fa1-4d2b-883f-0016d3cca427', 'Hi, are you there?', 1)],
  ['resume', resumeFrame(SESSION, { seq: 1, run: RUN, off: 6 })],
  ['model_select', modelSelectFrame(SESSION, 'good')],
  ['cancel', cancelFrame(SESSION, RUN)],
  ['regenerate', regenerateFrame(SESSION, 2)],
  ['help_request', helpRequestFrame(SESSION)],
  ['typing_indicator', TYPING_FRAME],
])('the page sends %s as the document shows it', (_, frame) => {
  expect(frames('client').map((json) => JSON.parse(json))).toContainEqual(JSON.parse(frame));
});

test('questions, replacements and models are read from where the server writes them', () => {
  const read = frames('server').map((json) => parseFrame(json, SESSION));
  expect(read).toContainEqual(expect.objectContaining({ type: 'loading', run: expect.objectContaining({ question: 1 }) }));
  expect(read).toContainEqual(expect.objectContaining({ type: 'delta', run: expect.objectContaining({ model: 'fast' }) }));
  expect(read).toContainEqual(expect.objectContaining({ type: 'final', message: expect.objectContaining({ question: 1, model: 'fast' }) }));
  expect(read).toContainEqual(expect.objectContaining({ type: 'message', message: expect.objectContaining({ replaces: 1 }) }));
  for (const kind of ['help_request', 'admin_join', 'admin_leave']) {
    expect(read).toContainEqual(expect.objectContaining({ type: 'message', message: expect.objectContaining({ kind }) }));
  }
  expect(read).toContainEqual(expect.objectContaining({ message: expect.objectContaining({ sender: 'admin', kind: undefined, name: 'Grace' }) }));
  expect(read).toContainEqual({ type: 'help' });
  expect(read).toContainEqual({ type: 'typing', sender: 'admin' });
  expect(read).toContainEqual({ type: 'model', model: 'good' });
  expect(read).toContainEqual({ type: 'cancel', run: RUN });
  expect(read).toContainEqual({ type: 'cancel', run: undefined });
});
