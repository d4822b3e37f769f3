/** Texts for the user: what the codes of the protocol mean. */

import type { Message, Status } from './wire';

/** Why there is no connection, and no attempt to make one. */
export type StopReason = 'token_needed' | 'token_rejected' | 'too_many_windows' | 'closed';

/** What the page does while it has no connection. `code`: how the last one ended. */
export function reconnectText(code?: number): string {
  switch (code) {
    case 1011:
      return 'The chat cannot be read at the moment. Trying again…';
    case 1013:
      return 'The server is busy. Trying again…';
    default:
      return 'Reconnecting…';
  }
}

/** Why the server did not accept a message; `isChange`: one that should stand for an earlier one. */
export function rejectionText(code: string, isChange = false): string {
  if (isChange && code === 'INVALID_FORMAT') return 'Not changed: the message is no longer the newest one';
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

/** Why an answer is not what was asked for; nothing for one that is whole. */
export function failureText(status: Status, code?: string): string {
  switch (status) {
    case 'complete':
      return '';
    case 'length':
      return 'This answer became too long, so its end is missing. You can ask for the rest.';
    case 'content_filter':
      return 'A content filter stopped this answer. Please ask in other words.';
    case 'refusal':
      return 'The assistant declined to answer this.';
    case 'interrupted':
      return 'This answer was interrupted.';
    case 'cancelled':
      return 'You stopped this answer.';
    case 'superseded':
      return 'A member of our staff took over.';
    case 'failed':
      return failedText(code);
  }
}

/** Who a member of staff is, where the server does not say it. */
export function staffName(name: string | undefined): string {
  return name ?? 'Our team';
}

/** A message that is no words of somebody. */
export function systemText({ kind, text, name }: Message): string {
  switch (kind) {
    case 'help_request':
      return 'You have asked to talk to a human.';
    case 'admin_join':
      return text || `${staffName(name)} has joined the conversation.`;
    case 'admin_leave':
      return text || `${staffName(name)} has left the conversation.`;
    case undefined:
      return text;
  }
}

function failedText(code?: string): string {
  switch (code) {
    case 'LLM_CONTEXT_TOO_LONG':
      return 'Your message is too long for the assistant. Please shorten it.';
    case 'LLM_CONTENT_FILTERED':
      return failureText('content_filter');
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
    case 'NOT_FOUND':
    case 'UNAUTHORIZED':
      return 'You have no access to this chat. Please start a new one.';
    case 'LLM_UNAVAILABLE':
    case 'LLM_TIMEOUT':
    case 'LLM_CONTEXT_TOO_LONG':
    case 'LLM_CONTENT_FILTERED':
      return failedText(code);
    case 'NEW_GUEST':
      return 'Your earlier chat can no longer be opened in this browser, so this is a new one.';
    case 'HISTORY_LOST':
      return 'The earlier messages of this chat are no longer there.';
    case 'BUSY':
    case 'SERVICE_ERROR':
      return 'Please wait until the answer is finished, or stop it.';
    case 'NOT_NEWEST':
      return 'There are newer messages, so this answer stays as it is.';
    case 'MODEL_GONE':
      return 'This model is not available any more. The one before goes on answering.';
    case 'HELP_FAILED':
      return 'We could not reach our staff. Please try again.';
    case 'OUTBOX_FULL':
      return 'Too many messages are waiting to be sent. Please wait until some of them have been sent.';
    default:
      return 'Something went wrong on our side. Please try again.';
  }
}

export interface StopText {
  status: string;
  title: string;
  text: string;
  /** The person can have changed the cause, so that it is worth another attempt. */
  canConnectAgain?: boolean;
}

export function stopText(reason: StopReason): StopText {
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
    case 'too_many_windows':
      return {
        status: 'Open in too many windows',
        title: 'This chat is open in too many windows',
        text: 'Close it in another tab, window or device, then connect here again.',
        canConnectAgain: true,
      };
    case 'closed':
      return {
        status: 'Disconnected',
        title: 'The server closed this chat',
        text: 'The page does not reconnect by itself.',
        canConnectAgain: true,
      };
  }
}
