import { expect, test } from 'vitest';
import { failureText, noticeText } from '../src/core/strings';
import { STATUSES } from '../src/core/wire';

test('each way in which an answer ends has words of its own, and a whole one has none', () => {
  expect(failureText('complete')).toBe('');
  const words = STATUSES.filter((status) => status !== 'complete').map((status) => failureText(status));
  expect(new Set(words).size).toBe(words.length);
  expect(words).not.toContain('');
});

test.each(['LLM_TIMEOUT', 'LLM_UNAVAILABLE', 'LLM_CONTEXT_TOO_LONG', 'LLM_CONTENT_FILTERED'])(
  'a failure with the code %s has words of its own',
  (code) => {
    expect(failureText('failed', code)).not.toBe(failureText('failed'));
    expect(noticeText(code)).toBe(failureText('failed', code));
  },
);
