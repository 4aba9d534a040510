//! What a peer sends, on many connections at once.

use std::{path::Path, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
    task::JoinSet,
    time::timeout,
};

/// A connection on which nothing can be written for so long is held back by the application.
const PATIENCE: Duration = Duration::from_secs(2);

/// On each connection: the opening once, then a round again and again, until the application takes no more of it, closes
/// the connection, or has taken enough.
#[derive(Clone, Debug)]
pub struct Attack {
    connections: usize,
    opening: Vec<u8>,
    round: Vec<u8>,
    /// Bytes on a connection.
    enough: usize,
}

/// What has become of an attack, which holds its connections.
#[derive(Debug)]
pub struct Attacking {
    /// Those that are open.
    open: Vec<UnixStream>,
    /// Bytes that were taken, on all connections.
    taken: usize,
}

impl Attack {
    /// From so many connections. None of them reads.
    #[must_use]
    pub fn from(connections: usize) -> Self {
        Self {
            connections,
            opening: Vec::new(),
            round: Vec::new(),
            enough: 0,
        }
    }

    /// What is sent first.
    #[must_use]
    pub fn opening(mut self, bytes: Vec<u8>) -> Self {
        self.opening = bytes;
        self
    }

    /// What is sent after that, up to `enough` bytes.
    #[must_use]
    pub fn rounds(mut self, bytes: &[u8], enough: usize) -> Self {
        // Many at a time: small writes are slow.
        self.round = bytes.repeat(1 + 32 * 1024 / bytes.len());
        self.enough = enough;
        self
    }

    /// Attacks the application at `socket`, until all connections are held back, closed or have sent enough.
    ///
    /// # Panics
    ///
    /// When the application does not accept connections.
    pub async fn run(self, socket: &Path) -> Attacking {
        let mut tasks = JoinSet::new();
        for _ in 0..self.connections {
            let io = UnixStream::connect(socket).await.expect("an application");
            tasks.spawn(self.clone().on(io));
        }
        let mut attacking = Attacking {
            open: Vec::new(),
            taken: 0,
        };
        while let Some(ended) = tasks.join_next().await {
            let (io, taken) = ended.expect("no panic");
            attacking.taken += taken;
            attacking.open.extend(io);
        }
        attacking
    }

    async fn on(self, mut io: UnixStream) -> (Option<UnixStream>, usize) {
        let mut taken = 0;
        let mut bytes = self.opening.as_slice();
        loop {
            while !bytes.is_empty() {
                match timeout(PATIENCE, io.write(bytes)).await {
                    Ok(Ok(count)) => {
                        taken += count;
                        bytes = bytes.get(count..).unwrap_or_default();
                    }
                    Ok(Err(_)) => return (None, taken),
                    Err(_) => return (Some(io), taken),
                }
            }
            if taken >= self.enough || self.round.is_empty() {
                return (Some(io), taken);
            }
            bytes = &self.round;
        }
    }
}

impl Attacking {
    /// Bytes that the application has taken.
    #[must_use]
    pub fn taken(&self) -> usize {
        self.taken
    }

    /// Connections that are open.
    #[must_use]
    pub fn open(&self) -> usize {
        self.open.len()
    }

    /// Everything that the first connection is sent, up to a pause.
    pub async fn read(&mut self) -> Vec<u8> {
        let mut received = Vec::new();
        if let Some(io) = self.open.first_mut() {
            while let Ok(Ok(1..)) = timeout(PATIENCE, io.read_buf(&mut received)).await {}
        }
        received
    }
}
