//! The fleet as one replica knows it: which peers there are.

mod directory;
mod peers;
mod resolver;

pub use directory::{Directory, LookupProblem, Peer, PeerSet};
pub(crate) use peers::MAX_PEERS;
pub use peers::{PeerSource, PeerSourceError};
