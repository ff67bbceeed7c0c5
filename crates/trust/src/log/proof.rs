//! Checking proofs (RFC 9162, sections 2.1.3.2 and 2.1.4.2).

use super::tree::{Hash, node_hash};

/// Why a proof does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// Sizes and places do not go together.
    #[error("the proof is for another size of the log")]
    Size,
    /// There are too few hashes in it, or too many.
    #[error("the proof has {0} hashes, which is not what its sizes ask for")]
    Length(usize),
    /// The hashes lead to another root.
    #[error("the proof does not lead to the log's signed root")]
    Root,
}

/// Checks that the entry with the hash `leaf` is number `index` of the log whose head is
/// `size` and `root`.
///
/// # Errors
/// [`ProofError`].
pub fn verify_inclusion(
    (leaf, index): (&Hash, u64),
    (size, root): (u64, &Hash),
    proof: &[Hash],
) -> Result<(), ProofError> {
    if index >= size {
        return Err(ProofError::Size);
    }
    let wrong_length = || ProofError::Length(proof.len());
    let (mut node, mut last, mut hash) = (index, size - 1, *leaf);
    for sibling in proof {
        if last == 0 {
            return Err(wrong_length());
        }
        if node & 1 == 1 || node == last {
            hash = node_hash(sibling, &hash);
            // A node at the right edge without a sibling moves up as it is.
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    match (last == 0, hash == *root) {
        (false, _) => Err(wrong_length()),
        (true, false) => Err(ProofError::Root),
        (true, true) => Ok(()),
    }
}

/// Checks that the log whose head is `new` begins with the one whose head was `old`.
///
/// # Errors
/// [`ProofError`]; [`ProofError::Size`] where the log became shorter.
pub fn verify_consistency(
    (old_size, old_root): (u64, &Hash),
    (new_size, new_root): (u64, &Hash),
    proof: &[Hash],
) -> Result<(), ProofError> {
    let wrong_length = || ProofError::Length(proof.len());
    if old_size > new_size {
        return Err(ProofError::Size);
    }
    if old_size == 0 || old_size == new_size {
        return match (proof.is_empty(), old_size == 0 || old_root == new_root) {
            (false, _) => Err(wrong_length()),
            (true, false) => Err(ProofError::Root),
            (true, true) => Ok(()),
        };
    }
    let mut rest = proof.iter();
    // A perfect old tree is itself the first hash of its proof, which leaves it out.
    let first = match old_size.is_power_of_two() {
        true => old_root,
        false => rest.next().ok_or_else(wrong_length)?,
    };
    let (mut node, mut last) = (old_size - 1, new_size - 1);
    while node & 1 == 1 {
        node >>= 1;
        last >>= 1;
    }
    let (mut old, mut new) = (*first, *first);
    for sibling in rest {
        if last == 0 {
            return Err(wrong_length());
        }
        if node & 1 == 1 || node == last {
            old = node_hash(sibling, &old);
            new = node_hash(sibling, &new);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            new = node_hash(&new, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    match (last == 0, old == *old_root && new == *new_root) {
        (false, _) => Err(wrong_length()),
        (true, false) => Err(ProofError::Root),
        (true, true) => Ok(()),
    }
}
