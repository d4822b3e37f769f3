/** One WebSocket, from opening to its end. */

export interface Socket {
  send(frame: string): void;
  /** Closes it; the listener hears nothing more. */
  close(): void;
}

export interface Listener {
  onFrame(source: string): void;
  /** Called once, unless `close` was called before. */
  onClose(code: number): void;
}

/** A server that is up says hello at once. An attempt that meets one that is going down would hang. */
const HELLO_TIMEOUT_MS = 6_000;
const NO_CLOSE_FRAME = 1006;

export function openSocket(url: string, token: string, listener: Listener): Socket {
  const socket = new WebSocket(url, ['chatbox.v1', `bearer.${token}`]);
  const close = (): void => {
    clearTimeout(helloTimer);
    socket.onmessage = null;
    socket.onclose = null;
    socket.close();
  };
  const end = (code: number): void => {
    close();
    listener.onClose(code);
  };
  const helloTimer = setTimeout(() => end(NO_CLOSE_FRAME), HELLO_TIMEOUT_MS);
  socket.onmessage = ({ data }) => {
    clearTimeout(helloTimer);
    if (typeof data === 'string') listener.onFrame(data);
  };
  socket.onclose = ({ code }) => end(code);
  return {
    close,
    send: (frame) => {
      // A frame that cannot be sent now is not lost: messages are sent again after the next hello.
      if (socket.readyState === WebSocket.OPEN) socket.send(frame);
    },
  };
}
