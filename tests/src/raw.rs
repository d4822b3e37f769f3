//! A socket of which the test writes every byte.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::{TIMEOUT, World};

/// Opcodes of RFC 6455.
pub const TEXT: u8 = 1;
pub const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;

/// A WebSocket behind its handshake.
pub struct Raw(pub TcpStream);

impl Raw {
    pub async fn connect(world: &World, user: &str) -> Self {
        let mut stream = TcpStream::connect(world.public).await.unwrap();
        let head = format!(
            "GET {}/ws HTTP/1.1\r\nHost: {}\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
             Authorization: Bearer {}\r\n\r\n",
            world.config.server.path_prefix,
            world.public,
            world.token(user)
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut response = Vec::new();
        while !response.ends_with(b"\r\n\r\n") {
            response.push(timeout(TIMEOUT, stream.read_u8()).await.unwrap().unwrap());
        }
        assert!(response.starts_with(b"HTTP/1.1 101"), "it is a socket");
        Self(stream)
    }

    /// Sends the head of a frame of `length` bytes, with a mask that changes nothing.
    pub async fn head(&mut self, opcode: u8, length: u64) {
        let mut head = vec![0x80 | opcode, 0x80 | 127];
        head.extend(length.to_be_bytes());
        head.extend([0; 4]);
        self.bytes(&head).await;
    }

    /// Sends a whole frame.
    pub async fn frame(&mut self, opcode: u8, payload: &[u8]) {
        self.head(opcode, payload.len() as u64).await;
        self.bytes(payload).await;
    }

    pub async fn bytes(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).await.unwrap();
    }

    /// The next frame that is no ping: its opcode and its payload.
    ///
    /// # Errors
    /// When the connection has ended, or was reset.
    pub async fn next(&mut self) -> std::io::Result<(u8, Vec<u8>)> {
        loop {
            let (opcode, payload) = timeout(TIMEOUT, self.read()).await.expect("a frame")?;
            if opcode != PING {
                return Ok((opcode, payload));
            }
        }
    }

    async fn read(&mut self) -> std::io::Result<(u8, Vec<u8>)> {
        let opcode = self.0.read_u8().await? & 0x0f;
        let length = match self.0.read_u8().await? {
            126 => self.0.read_u16().await?.into(),
            127 => self.0.read_u64().await?,
            length => length.into(),
        };
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        self.0.read_exact(&mut payload).await?;
        Ok((opcode, payload))
    }

    /// The code that the server closes with; 1006 stands for no word at all.
    pub async fn closed(&mut self) -> u16 {
        loop {
            match self.next().await {
                Ok((CLOSE, payload)) => return u16::from_be_bytes([payload[0], payload[1]]),
                Ok(_) => {}
                Err(_) => return 1006,
            }
        }
    }
}
