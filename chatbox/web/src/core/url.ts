/** The URL of the page, and the URL of the socket. */

import type { Position } from './wire';

/** The parameters that the page was opened with. */
export interface PageUrl {
  /** Path of the API, without a slash at its end. */
  prefix: string;
  session?: string | undefined;
  token?: string | undefined;
  /** Start a new chat even if the visitor has an earlier one. */
  newChat: boolean;
}

const PREFIX = /^(\/[\w.~-]+)*$/;
/** The ids that the server takes. */
const SESSION = /^[\w.:-]{1,128}$/;
/** What careless pages write into a link when they have no id. */
const NO_SESSION: ReadonlySet<string> = new Set(['undefined', 'null']);

export function parsePageUrl(url: URL): PageUrl {
  const query = url.searchParams;
  const session = query.get('session_id') ?? '';
  const prefix = query.get('prefix')?.replace(/\/$/, '');
  return {
    // Only a plain path is accepted, so that a link cannot send messages and tokens to another host.
    prefix: prefix !== undefined && PREFIX.test(prefix) ? prefix : url.pathname.replace(/\/[^/]*$/, ''),
    session: SESSION.test(session) && !NO_SESSION.has(session) ? session : undefined,
    token: query.get('token') || undefined,
    newChat: query.get('new') === '1',
  };
}

/**
 * The URL to show: it names the session, so that a reload opens it again. It contains no token, unless the browser keeps it
 * nowhere else: without it, a reload would sign the visitor out.
 */
export function withSession(url: URL, session: string | undefined, isTokenKept = true): URL {
  const next = new URL(url);
  if (isTokenKept) next.searchParams.delete('token');
  next.searchParams.delete('new');
  if (session) next.searchParams.set('session_id', session);
  return next;
}

/** The URL of the socket. The token travels in a subprotocol, because URLs are logged. */
export function socketUrl(origin: string, prefix: string, session: string, from: Position): string {
  const url = new URL(`${prefix}/ws`, origin);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  url.searchParams.set('session_id', session);
  url.searchParams.set('after_seq', String(from.seq));
  if (from.run !== undefined) url.searchParams.set('run', from.run);
  if (from.off !== undefined) url.searchParams.set('off', String(from.off));
  return url.href;
}
