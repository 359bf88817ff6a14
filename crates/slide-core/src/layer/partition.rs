//! How the rows of a layer are assigned to shards.
//!
//! A shard is the unit of ownership: a run of rows that one worker writes. The number of shards is a function of the
//! number of rows alone, so that every sum over rows has the same shape on every machine. Files list frequent
//! labels first; rows are assigned round-robin (row `l` to shard `l mod shards`), which spreads them evenly.
//!
//! Rows that lie in a mapped file are in the file's order ([`Partition::of_file`]). Sums over several rows are in the order of
//! [`Partition::new`] all the same.

/// Rows of a shard at least: with fewer, adding the results of shards would cost more than the rows.
const ROWS_PER_SHARD: usize = 512;
/// Most shards of a layer, and so most workers that can share it.
const MOST_SHARDS: usize = 64;

/// The bijection between logical rows (features, labels, units: as files and models number them) and internal rows
/// (as they are stored in memory, shard after shard).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Partition {
    rows: usize,
    shards: usize,
}

impl Partition {
    /// The partition of a layer of `rows` rows.
    pub(crate) fn new(rows: usize) -> Self {
        let wanted = (rows / ROWS_PER_SHARD).clamp(1, MOST_SHARDS);
        // A power of two, so that shard results can be added by a complete binary tree.
        Self { rows, shards: 1 << wanted.ilog2() }
    }

    /// Rows that lie as files number them: for layers that are only read, which need no shards.
    pub(crate) fn of_file(rows: usize) -> Self {
        Self { rows, shards: 1 }
    }

    /// Number of rows.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Number of shards, a power of two.
    pub(crate) fn shards(&self) -> usize {
        self.shards
    }

    /// First internal row of a shard; `start(shards())` is the number of rows.
    pub(crate) fn start(&self, shard: usize) -> usize {
        shard * (self.rows / self.shards) + shard.min(self.rows % self.shards)
    }

    /// The first internal row of every shard, and the number of rows at the end.
    pub(crate) fn starts(&self) -> Vec<usize> {
        (0..=self.shards).map(|shard| self.start(shard)).collect()
    }

    /// The internal row of a logical row.
    pub(crate) fn to_internal(self, logical: u32) -> u32 {
        let logical = logical as usize;
        (self.start(logical % self.shards) + logical / self.shards) as u32
    }

    /// The logical row of an internal row.
    pub(crate) fn to_logical(self, internal: u32) -> u32 {
        let internal = internal as usize;
        let (short, longer) = (self.rows / self.shards, self.rows % self.shards);
        // The first `longer` shards hold one row more.
        let boundary = longer * (short + 1);
        let (shard, position) = if internal < boundary {
            (internal / (short + 1), internal % (short + 1))
        } else {
            let rest = internal - boundary;
            (longer + rest / short, rest % short)
        };
        (position * self.shards + shard) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::Partition;

    #[test]
    fn is_a_bijection_that_fills_shards_in_order() {
        for rows in [1, 2, 15, 511, 512, 1024, 1025, 4099, 49_531] {
            assert!((0..rows as u32).all(|row| Partition::of_file(rows).to_internal(row) == row));
            let partition = Partition::new(rows);
            assert!(partition.shards().is_power_of_two());
            assert_eq!(partition.start(partition.shards()), rows);
            let mut seen = vec![false; rows];
            for logical in 0..rows as u32 {
                let internal = partition.to_internal(logical);
                assert!(!std::mem::replace(&mut seen[internal as usize], true));
                assert_eq!(partition.to_logical(internal), logical);
                let shard = logical as usize % partition.shards();
                let range = partition.start(shard)..partition.start(shard + 1);
                assert!(range.contains(&(internal as usize)));
            }
        }
    }
}
