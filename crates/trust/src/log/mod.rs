//! An append-only log whose past cannot be changed unseen: a Merkle tree over its entries
//! (RFC 6962), its head signed as a checkpoint (C2SP `tlog-checkpoint`, `signed-note`), its
//! hashes and entries cut into tiles (C2SP `tlog-tiles`).
//!
//! Pure: where hashes and entries are kept is the caller's.

mod entry;
pub(crate) mod note;
mod proof;
mod statement;
mod tile;
mod tree;
mod witness;

pub use entry::{Entry, Event, MAX_ENTRY_BYTES, Named, Standing, State, named, standing};
pub use note::{Checkpoint, LogKey, MAX_NOTE_BYTES, NoteError, Verifier};
pub use proof::{ProofError, verify_consistency, verify_inclusion};
pub use statement::{
    Consistency, Cosigned, LoggedEntry, MAX_PAGE_BYTES, MAX_STATEMENT_BYTES, Opened, Opening, Page,
    Statement, StatementError, Witnessed, encode,
};
pub use tile::{TILE_WIDTH, Tile, TileKind};
pub use tree::{Hash, Perfect, Span, consistency, fold, inclusion, leaf_hash, perfect, root};
pub use witness::{MAX_WITNESSES, Witness, submission};
