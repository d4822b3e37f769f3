/** What an empty chat shows: a greeting, and questions to start with. */

import { Logo } from './icons';

const SUGGESTIONS = ['What can you help me with?', 'I have a problem to solve', 'Explain something in simple words'];

export function Welcome({ assistant, suggest }: { assistant: string | undefined; suggest: (text: string) => void }) {
  return (
    <section class="welcome" aria-labelledby="welcome-title">
      <span class="logo large">
        <Logo />
      </span>
      <h2 id="welcome-title">How can {assistant ?? 'we'} help you?</h2>
      <p>Ask in your own words. The answer appears here as it is written, and you can come back to this chat later.</p>
      <ul class="suggestions" aria-label="Suggested questions">
        {SUGGESTIONS.map((text) => (
          <li key={text}>
            <button type="button" onClick={() => suggest(text)}>
              {text}
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
