/** One socket, from opening to its end. */

export interface Line {
  send(frame: string): void;
  /** Ends it without a word to the listener. */
  drop(): void;
}

export interface Listener {
  frame(source: string): void;
  /** Called once, unless dropped. */
  end(code: number): void;
}

/** The greeting comes at once from a server that is there; an attempt that hits one that has just gone hangs. */
const GREETING_WITHIN_MS = 6_000;
const NO_CLOSE_FRAME = 1006;

export function openLine(url: string, token: string, listener: Listener): Line {
  const socket = new WebSocket(url, ['chatbox.v1', `bearer.${token}`]);
  const drop = (): void => {
    clearTimeout(patience);
    socket.onmessage = null;
    socket.onclose = null;
    socket.close();
  };
  const end = (code: number): void => {
    drop();
    listener.end(code);
  };
  const patience = setTimeout(() => end(NO_CLOSE_FRAME), GREETING_WITHIN_MS);
  socket.onmessage = ({ data }) => {
    clearTimeout(patience);
    if (typeof data === 'string') listener.frame(data);
  };
  socket.onclose = ({ code }) => end(code);
  return {
    drop,
    send: (frame) => {
      // A frame that cannot go out now is not lost: what matters is sent again after the next greeting.
      if (socket.readyState === WebSocket.OPEN) socket.send(frame);
    },
  };
}
