//! The bytes of one connection: with deadlines for what hyper has none for, counted while they are of no use yet, and
//! with an end that reaches the other side.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::runtime::Handle;
use tokio::time::{Sleep, sleep, timeout};

use crate::limits::InFlight;

/// A client that has begun to send a request's head, and has not ended it by then, is cut off.
pub(super) const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// A client that has not taken all of a response by then is cut off, however little by little it reads: the largest
/// one has a megabyte. A socket has a shorter limit of its own, and a close code.
const WRITE_TIMEOUT: Duration = Duration::from_mins(1);
/// How long a client that still sends is listened to after the end, so that it reads why before it learns that its own
/// bytes were not taken.
const LINGER: Duration = Duration::from_secs(5);

/// What a connection is doing, as far as its deadlines go. Shared with the service, which knows. Cheap to clone.
#[derive(Clone)]
pub(super) struct Phase(Arc<AtomicU8>);

impl Phase {
    const IDLE: u8 = 0;
    const HEAD: u8 = 1;
    const BUSY: u8 = 2;

    /// The head of a request has come: it is answered, or the connection is a socket from now on.
    pub(super) fn set_busy(&self) {
        self.0.store(Self::BUSY, Ordering::Relaxed);
    }

    /// A response is on its way; the next bytes begin another request.
    pub(super) fn set_idle(&self) {
        self.0.store(Self::IDLE, Ordering::Relaxed);
    }

    fn is(&self, phase: u8) -> bool {
        self.0.load(Ordering::Relaxed) == phase
    }

    /// Bytes have come.
    fn begin_head(&self) -> bool {
        let begun =
            self.0
                .compare_exchange(Self::IDLE, Self::HEAD, Ordering::Relaxed, Ordering::Relaxed);
        begun.is_ok()
    }
}

/// A TCP connection.
pub(super) struct Stream<P: Send + 'static> {
    /// `None` only while it is dropped.
    tcp: Option<TcpStream>,
    phase: Phase,
    in_flight: InFlight,
    head: Deadline,
    write: Deadline,
    /// Held until the connection has really ended.
    permit: Option<P>,
}

/// Makes no timer before it is needed: most connections wait, and need none.
#[derive(Default)]
struct Deadline(Option<Pin<Box<Sleep>>>);

impl Deadline {
    /// Begins if it has not begun; an error when it has passed.
    fn poll(&mut self, context: &mut Context<'_>, after: Duration) -> Poll<io::Error> {
        let sleep = self.0.get_or_insert_with(|| Box::pin(sleep(after)));
        ready!(sleep.as_mut().poll(context));
        Poll::Ready(io::ErrorKind::TimedOut.into())
    }

    fn clear(&mut self) {
        self.0 = None;
    }
}

impl<P: Send + 'static> Stream<P> {
    /// A connection that was just accepted: the head of its first request is due.
    pub(super) fn new(tcp: TcpStream, in_flight: InFlight, permit: P) -> Self {
        Self {
            tcp: Some(tcp),
            phase: Phase(Arc::new(AtomicU8::new(Phase::HEAD))),
            in_flight,
            head: Deadline::default(),
            write: Deadline::default(),
            permit: Some(permit),
        }
    }

    pub(super) fn phase(&self) -> Phase {
        self.phase.clone()
    }

    fn tcp(&mut self) -> io::Result<Pin<&mut TcpStream>> {
        let tcp = self.tcp.as_mut();
        tcp.map(Pin::new)
            .ok_or_else(|| io::ErrorKind::NotConnected.into())
    }

    /// What a write came to; one that waits begins the deadline, and the end of all writes ends it.
    fn written<T>(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_pending() {
            return self.write.poll(context, WRITE_TIMEOUT).map(Err);
        }
        written
    }
}

impl<P: Send + Unpin + 'static> AsyncRead for Stream<P> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let read = this.tcp()?.poll_read(context, buffer);
        if read.is_pending() {
            if this.phase.is(Phase::HEAD) {
                return this.head.poll(context, HEAD_TIMEOUT).map(Err);
            }
            this.head.clear();
            return Poll::Pending;
        }
        if this.phase.begin_head() {
            this.head.clear();
        }
        ready!(read)?;
        let bytes = buffer.filled().len() - before;
        Poll::Ready(this.in_flight.received(bytes))
    }
}

impl<P: Send + Unpin + 'static> AsyncWrite for Stream<P> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = this.tcp()?.poll_write(context, bytes);
        this.written(context, written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = this.tcp()?.poll_write_vectored(context, slices);
        this.written(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.write.clear();
        this.tcp()?.poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().tcp()?.poll_shutdown(context)
    }
}

impl<P: Send + 'static> Drop for Stream<P> {
    /// Bytes that nobody reads make the kernel reset the connection, and the other side then loses what it was told
    /// last: a close code, an error. So a client that may still send is listened to for a while.
    fn drop(&mut self) {
        let (Some(tcp), Some(permit)) = (self.tcp.take(), self.permit.take()) else {
            return;
        };
        let has_ended = match tcp.try_read(&mut [0]) {
            Ok(bytes) => bytes == 0,
            Err(error) => error.kind() != io::ErrorKind::WouldBlock,
        };
        let runtime = Handle::try_current().ok().filter(|_| !has_ended);
        let Some(runtime) = runtime else { return };
        self.in_flight.ended();
        // The connection counts as one of its user's until it is really over.
        let in_flight = self.in_flight.clone();
        runtime.spawn(async move {
            // It ends either way.
            let _ = timeout(LINGER, read_to_end(tcp)).await;
            drop((permit, in_flight));
        });
    }
}

async fn read_to_end(mut tcp: TcpStream) -> io::Result<()> {
    tcp.shutdown().await?;
    let mut buffer = vec![0; 4096];
    while tcp.read(&mut buffer).await? > 0 {}
    Ok(())
}
