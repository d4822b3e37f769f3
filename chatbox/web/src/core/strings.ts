/** Texts for the user: what the codes of the protocol mean. */

/** Why there is no connection, and no attempt to make one. */
export type StopReason = 'token_needed' | 'token_rejected' | 'closed';

/** Why the server did not accept a message. */
export function rejectionText(code: string): string {
  switch (code) {
    case 'TOO_MANY_REQUESTS':
      return 'Not sent: too many messages in a short time';
    case 'INVALID_FORMAT':
    case 'MISSING_FIELD':
      return 'Not sent: the server could not read this message';
    case 'NOT_FOUND':
    case 'UNAUTHORIZED':
      return 'Not sent: you have no access to this chat';
    case 'SERVICE_ERROR':
      return 'Not sent: earlier messages are still waiting for an answer';
    case 'TOO_LONG':
      return 'Not sent: this message is too long';
    default:
      return 'Not sent: something went wrong on our side';
  }
}

/** Why an answer ended before it was complete. */
export function failureText(status: 'failed' | 'interrupted', code?: string): string {
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

/** An error or a remark that belongs to no single message. */
export function noticeText(code: string): string {
  switch (code) {
    case 'TOO_MANY_REQUESTS':
      return 'Too many messages in a short time. Please wait a moment.';
    case 'CONNECTION_LIMIT_EXCEEDED':
      return 'The chat is open in too many windows. Please close one of them.';
    case 'NOT_FOUND':
    case 'UNAUTHORIZED':
      return 'You have no access to this chat. Please start a new one.';
    case 'LLM_UNAVAILABLE':
    case 'LLM_TIMEOUT':
      return failureText('failed', code);
    case 'NEW_GUEST':
      return 'Your earlier chat can no longer be opened in this browser, so this is a new one.';
    case 'HISTORY_LOST':
      return 'The earlier messages of this chat are no longer there.';
    case 'OUTBOX_FULL':
      return 'Too many messages are waiting to be sent. Please wait until some of them have been sent.';
    default:
      return 'Something went wrong on our side. Please try again.';
  }
}

export function stopText(reason: StopReason): { status: string; title: string; text: string } {
  switch (reason) {
    case 'token_needed':
      return {
        status: 'Sign-in needed',
        title: 'Please sign in first',
        text: 'This chat is not open to guests. Open it from the site or app that offers it.',
      };
    case 'token_rejected':
      return {
        status: 'Signed out',
        title: 'Your sign-in has ended',
        text: 'Your access to this chat has expired or is not valid. Open the chat again from the site or app that offers it.',
      };
    case 'closed':
      return {
        status: 'Disconnected',
        title: 'The server closed this chat',
        text: 'The page will not reconnect by itself. Reload it to try again.',
      };
  }
}
