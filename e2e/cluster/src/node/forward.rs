//! Connections from 127.0.0.1 of the host into the namespace: to the API server, and to node ports.

use std::{
    io,
    net::{Ipv4Addr, Shutdown, TcpListener, TcpStream},
    os::fd::{AsFd, OwnedFd},
    path::Path,
    process::Child,
    sync::{Arc, mpsc},
    thread,
};

use anyhow::{Context, Result};
use control_plane::component::Component;
use rustix::{
    event::{PollFd, PollFlags, poll},
    thread::{LinkNameSpaceType, move_into_link_name_space},
};

use crate::ports;

/// Connections at one moment. Each costs two threads and four descriptors.
const CONNECTIONS: usize = 200;

/// A connection that the host accepted, and the port that it came to.
type Accepted = (TcpStream, u16);

/// Listens in the network that `host` names, and connects in that of the caller. `outbound` is started in the network of
/// the host too, and returned.
pub(super) fn start(
    host: OwnedFd,
    outbound: Component,
    logs: &Path,
) -> Result<(&'static str, Child)> {
    let (sender, accepted) = mpsc::channel();
    let (report, started) = mpsc::channel();
    let logs = logs.to_owned();
    // A network belongs to a thread, and to the threads and processes that it starts: this one stays with the host.
    thread::spawn(move || {
        let listeners = move_into_link_name_space(host.as_fd(), Some(LinkNameSpaceType::Network))
            .context("cannot enter the network of the host")
            .and_then(|()| listen());
        let listeners = listeners.and_then(|listeners| {
            let child = outbound.start_child(&logs)?;
            Ok((listeners, child))
        });
        match listeners {
            Ok((listeners, child)) => {
                let _ = report.send(Ok((outbound.name, child)));
                accept(&listeners, &sender);
            }
            Err(error) => {
                let _ = report.send(Err(error));
            }
        }
    });
    thread::spawn(move || relay_all(&accepted));
    started.recv().context("the listener ended early")?
}

/// The ports that must be had, and those of the range that nobody else holds.
fn listen() -> Result<Vec<(TcpListener, u16)>> {
    let mut listeners = Vec::new();
    for port in ports::HOST {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port));
        let listener = listener.with_context(|| format!("cannot listen on 127.0.0.1:{port}"))?;
        listeners.push((listener, port));
    }
    let others = ports::NODE_PORTS.filter(|port| !ports::HOST.contains(port));
    listeners.extend(others.filter_map(|port| {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok()?;
        Some((listener, port))
    }));
    for (listener, _) in &listeners {
        listener.set_nonblocking(true)?;
    }
    Ok(listeners)
}

/// Ends when nobody takes the connections any more.
fn accept(listeners: &[(TcpListener, u16)], sender: &mpsc::Sender<Accepted>) {
    loop {
        let polled = listeners.iter();
        let mut polled: Vec<PollFd<'_>> = polled
            .map(|(listener, _)| PollFd::new(listener, PollFlags::IN))
            .collect();
        if poll(&mut polled, None).is_err() {
            continue;
        }
        let is_ready: Vec<bool> = polled.iter().map(|fd| !fd.revents().is_empty()).collect();
        drop(polled);
        let ready = listeners.iter().zip(is_ready).filter(|(_, ready)| *ready);
        for ((listener, port), _) in ready {
            // Whoever gave up meanwhile is not served.
            if let Ok((stream, _)) = listener.accept()
                && sender.send((stream, *port)).is_err()
            {
                return;
            }
        }
    }
}

fn relay_all(accepted: &mpsc::Receiver<Accepted>) {
    let permits = Arc::new(());
    for (stream, port) in accepted {
        if Arc::strong_count(&permits) > CONNECTIONS {
            continue;
        }
        let permit = Arc::clone(&permits);
        thread::spawn(move || {
            // A connection that fails is closed, as any server does that ends.
            let _ = relay(&stream, port);
            drop(permit);
        });
    }
}

/// Copies both ways until both sides have closed.
fn relay(outside: &TcpStream, port: u16) -> io::Result<()> {
    let inside = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    for stream in [outside, &inside] {
        stream.set_nodelay(true)?;
    }
    thread::scope(|scope| {
        scope.spawn(|| copy(outside, &inside));
        copy(&inside, outside);
    });
    Ok(())
}

fn copy(mut from: &TcpStream, mut to: &TcpStream) {
    let end = match io::copy(&mut from, &mut to) {
        Ok(_) => to.shutdown(Shutdown::Write),
        // Nothing can be sent or received any more; the other direction ends with it.
        Err(_) => to
            .shutdown(Shutdown::Both)
            .and(from.shutdown(Shutdown::Both)),
    };
    // One that is closed already needs no end.
    let _ = end;
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read, Write},
        time::Duration,
    };

    use super::*;

    const TIMEOUT: Duration = Duration::from_secs(20);

    #[test]
    fn both_directions_are_copied_to_their_end() {
        let bind = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let (outside, inside) = (bind(), bind());
        let port = inside.local_addr().unwrap().port();
        let mut client = TcpStream::connect(outside.local_addr().unwrap()).unwrap();
        let (accepted, _) = outside.accept().unwrap();
        let relay = thread::spawn(move || relay(&accepted, port));
        let (mut server, _) = inside.accept().unwrap();
        for stream in [&client, &server] {
            // An end that is not passed on fails the test instead of holding it up.
            stream.set_read_timeout(Some(TIMEOUT)).unwrap();
        }

        client.write_all(b"question").unwrap();
        client.shutdown(Shutdown::Write).unwrap();
        let mut heard = String::new();
        // Ends only if the end of the question was passed on.
        server.read_to_string(&mut heard).unwrap();
        server.write_all(heard.to_uppercase().as_bytes()).unwrap();
        drop(server);
        heard.clear();
        client.read_to_string(&mut heard).unwrap();
        assert_eq!(heard, "QUESTION");
        relay.join().unwrap().unwrap();
    }
}
