/** Plain words for what the protocol says in codes. */

/** Why there is no connection and will be none. */
export type Stop = 'token_needed' | 'token_refused' | 'refused';

/** Why the server did not take a message. */
export function refusalWords(code: string): string {
  switch (code) {
    case 'TOO_MANY_REQUESTS':
      return 'Not sent: that was a lot in a short time';
    case 'INVALID_FORMAT':
    case 'MISSING_FIELD':
      return 'Not sent: the server could not read this message';
    case 'NOT_FOUND':
    case 'UNAUTHORIZED':
      return 'Not sent: this chat is not open to you';
    case 'TOO_LONG':
      return 'Not sent: this message is too long';
    default:
      return 'Not sent: something went wrong on our side';
  }
}

/** Why an answer ended before it was complete. */
export function troubleWords(status: 'failed' | 'interrupted', code?: string): string {
  if (status === 'interrupted') return 'This answer was interrupted.';
  switch (code) {
    case 'LLM_TIMEOUT':
      return 'The assistant took too long to answer.';
    case 'LLM_UNAVAILABLE':
      return 'The assistant could not be reached.';
    default:
      return 'This answer could not be finished.';
  }
}

/** Trouble that belongs to no single message. */
export function noticeWords(code: string): string {
  switch (code) {
    case 'TOO_MANY_REQUESTS':
      return 'That was a lot in a short time. Please wait a moment.';
    case 'CONNECTION_LIMIT_EXCEEDED':
      return 'The chat is open in too many windows. Close one of them.';
    case 'NOT_FOUND':
    case 'UNAUTHORIZED':
      return 'This chat is not open to you. Start a new one.';
    case 'LLM_UNAVAILABLE':
    case 'LLM_TIMEOUT':
      return troubleWords('failed', code);
    case 'NEW_VISITOR':
      return 'Your earlier chat is no longer open in this browser, so this is a new one.';
    case 'FORGOTTEN':
      return 'The earlier messages of this chat are no longer there.';
    case 'OUTBOX_FULL':
      return 'Too many messages are waiting to be sent. Wait until some of them have gone out.';
    default:
      return 'Something went wrong on our side. Please try again.';
  }
}

export function stopWords(stop: Stop): { status: string; title: string; text: string } {
  switch (stop) {
    case 'token_needed':
      return {
        status: 'Token needed',
        title: 'Please sign in first',
        text: 'This chat is not open to guests: a token is needed. Open it from the site or app that offers it.',
      };
    case 'token_refused':
      return {
        status: 'Token refused',
        title: 'Your sign-in has ended',
        text: 'The token for this chat has expired or is not valid. Open the chat again from the site or app that offers it.',
      };
    case 'refused':
      return {
        status: 'Disconnected',
        title: 'The server closed this chat',
        text: 'It will not be connected again by itself. Reload the page to try once more.',
      };
  }
}
