/** What the page's own address says, and what it becomes. */

export interface Address {
  /** Path of the API, without a slash at its end. */
  prefix: string;
  session?: string | undefined;
  token?: string | undefined;
  /** The visitor wants a new chat, whatever there is. */
  fresh: boolean;
}

const PREFIX = /^(\/[\w.~-]+)*$/;
const SESSION = /^[\w.:~-]{1,128}$/;

export function readAddress(url: URL): Address {
  const query = url.searchParams;
  const session = query.get('session_id') ?? '';
  const prefix = query.get('prefix')?.replace(/\/$/, '');
  return {
    // Only a plain path is taken, so that a link cannot send the visitor's words to another host.
    prefix: prefix !== undefined && PREFIX.test(prefix) ? prefix : url.pathname.replace(/\/[^/]*$/, ''),
    session: SESSION.test(session) ? session : undefined,
    token: query.get('token') || undefined,
    fresh: query.get('new') === '1',
  };
}

/** The address to show: it names the chat, so that a reload opens it again, and holds no secret. */
export function showAddress(url: URL, session: string | undefined): URL {
  const next = new URL(url);
  next.searchParams.delete('token');
  next.searchParams.delete('new');
  if (session) next.searchParams.set('session_id', session);
  return next;
}

/** The address of the socket. The token travels in a subprotocol, which no log shows. */
export function socketAddress(
  origin: string,
  prefix: string,
  session: string,
  from: { seq: number; run?: string | undefined; off?: number | undefined },
): string {
  const url = new URL(`${prefix}/ws`, origin);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  url.searchParams.set('session_id', session);
  url.searchParams.set('after_seq', String(from.seq));
  if (from.run !== undefined) url.searchParams.set('run', from.run);
  if (from.off !== undefined) url.searchParams.set('off', String(from.off));
  return url.href;
}
