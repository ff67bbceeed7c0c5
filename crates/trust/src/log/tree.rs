//! The Merkle tree of RFC 6962, section 2.1. Every hash that a root or a proof needs is that of
//! a span of entries, and every span is a row of perfect subtrees, whose hashes never change.
//! So what is written here are spans; whoever has the hashes folds them.

use sha2::{Digest as _, Sha256};

/// SHA-256.
pub type Hash = [u8; 32];

/// Entries from `start` up to but not including `end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, std::hash::Hash)]
pub struct Span {
    /// The first.
    pub start: u64,
    /// The one after the last.
    pub end: u64,
}

/// A subtree over `2^height` entries that begins at a multiple of its size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Perfect {
    /// Zero for one entry.
    pub height: u32,
    /// Which of those of its height, counted from the left.
    pub index: u64,
}

/// Returns the hash of an entry.
pub fn leaf_hash(entry: &[u8]) -> Hash {
    Sha256::new()
        .chain_update([0])
        .chain_update(entry)
        .finalize()
        .into()
}

pub(super) fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let hash = Sha256::new().chain_update([1]).chain_update(left);
    hash.chain_update(right).finalize().into()
}

/// Returns the perfect subtrees that make up a span, from the left. Spans of roots and proofs
/// begin where such a tree does.
pub fn perfect(span: Span) -> Vec<Perfect> {
    let mut parts = Vec::new();
    let mut start = span.start;
    while start < span.end {
        // As large as fits, and as its place allows.
        let fits = (span.end - start).ilog2();
        let height = fits.min(start.trailing_zeros());
        parts.push(Perfect {
            height,
            index: start >> height,
        });
        start += 1 << height;
    }
    parts
}

/// Returns the hash of a span from those of its perfect subtrees, from the left.
pub fn fold(parts: &[Hash]) -> Hash {
    let Some((last, rest)) = parts.split_last() else {
        return Sha256::digest([]).into();
    };
    rest.iter()
        .rfold(*last, |right, left| node_hash(left, &right))
}

/// Returns the hash over entries whose own hashes are `leaves`.
pub fn root(leaves: &[Hash]) -> Hash {
    let mut level = leaves.to_vec();
    if level.is_empty() {
        return fold(&[]);
    }
    // A node without a sibling moves up as it is, which gives the same as RFC 6962's split.
    while level.len() > 1 {
        level = level
            .chunks(2)
            .map(|pair| match pair {
                [left, right] => node_hash(left, right),
                _ => pair[0],
            })
            .collect();
    }
    level[0]
}

/// Returns the spans whose hashes prove that entry `index` is in a tree of `size` entries
/// (`PATH`, section 2.1.1), from the leaf up. None where there is no such entry.
pub fn inclusion(index: u64, size: u64) -> Option<Vec<Span>> {
    if index >= size {
        return None;
    }
    let mut proof = Vec::new();
    let (mut start, mut end) = (0, size);
    while end - start > 1 {
        let middle = start + split(end - start);
        if index < middle {
            proof.push(Span { start: middle, end });
            end = middle;
        } else {
            proof.push(Span { start, end: middle });
            start = middle;
        }
    }
    proof.reverse();
    Some(proof)
}

/// Returns the spans whose hashes prove that the tree of `size` entries begins with that of
/// `old` (`PROOF`, section 2.1.2). None where the old one is empty or larger.
pub fn consistency(old: u64, size: u64) -> Option<Vec<Span>> {
    if old == 0 || old > size {
        return None;
    }
    let mut proof = Vec::new();
    let (mut start, mut end) = (0, size);
    // Whether what remains is the whole old tree, whose hash the other side has.
    let mut whole = true;
    while end > old {
        let middle = start + split(end - start);
        if old <= middle {
            proof.push(Span { start: middle, end });
            end = middle;
        } else {
            proof.push(Span { start, end: middle });
            start = middle;
            whole = false;
        }
    }
    if !whole {
        proof.push(Span { start, end });
    }
    proof.reverse();
    Some(proof)
}

/// Returns the largest power of two below `size`, which is two or more.
fn split(size: u64) -> u64 {
    1 << (size - 1).ilog2()
}
