//! Which part of a long list is read.

/// A part of a long list: at most `limit`, behind the one that `from` names. Lists go on behind
/// one of their own, because counting from the beginning would repeat or leave out what comes
/// and goes meanwhile, and takes longer with every part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part<'a> {
    /// The last one of the part before; an empty one is the beginning.
    pub from: &'a str,
    /// How many at most.
    pub limit: i64,
}

impl<'a> Part<'a> {
    /// The whole list.
    pub const ALL: Part<'static> = Part::first(i64::MAX);

    /// Returns the beginning of the list.
    pub const fn first(limit: i64) -> Part<'static> {
        Part { from: "", limit }
    }

    /// Returns the part of what lies in memory in an order of which `is_behind` tells what comes
    /// after a name, also after one that is gone.
    pub fn of<T>(self, all: Vec<T>, is_behind: impl Fn(&T, &str) -> bool) -> Vec<T> {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let behind = all
            .into_iter()
            .filter(|one| self.from.is_empty() || is_behind(one, self.from));
        behind.take(limit).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_part_by_part() {
        let part =
            |from, limit| Part { from, limit }.of(vec!["a", "b", "d"], |one, from| *one > from);
        assert_eq!(part("", 2), ["a", "b"]);
        assert_eq!(part("b", 2), ["d"]);
        assert!(part("d", 2).is_empty());
        assert_eq!(part("c", 2), ["d"], "c is gone");
        assert_eq!(Part::ALL.of(vec!["a", "b"], |_, _| false), ["a", "b"]);
    }
}
