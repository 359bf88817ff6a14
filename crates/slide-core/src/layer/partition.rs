//! How the rows of a layer are dealt to chunks, and chunks to owners.
//!
//! A chunk is the unit of ownership: a run of rows that one worker writes. The number of chunks is a function of the
//! number of rows alone, so that every sum over rows has the same shape on every machine. Files list frequent
//! labels first; dealing the rows out like cards (row `l` to chunk `l mod chunks`) spreads them over all chunks,
//! whatever power law they follow.

/// Rows below which another chunk does not pay: the sum of chunk results would cost more than the rows.
const ROWS_PER_CHUNK: usize = 512;
/// Most chunks of a layer, and so most workers that can share it.
const MOST_CHUNKS: usize = 64;

/// The bijection between logical rows (features, labels, units: as files and models number them) and internal rows
/// (as they lie in memory, chunk after chunk).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Partition {
    rows: usize,
    chunks: usize,
}

impl Partition {
    /// The partition of a layer of `rows` rows.
    pub fn new(rows: usize) -> Self {
        let wanted = (rows / ROWS_PER_CHUNK).clamp(1, MOST_CHUNKS);
        // A power of two, so that chunk results can be added by a complete binary tree.
        Self { rows, chunks: 1 << wanted.ilog2() }
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of chunks, a power of two.
    pub fn chunks(&self) -> usize {
        self.chunks
    }

    /// First internal row of a chunk; `start(chunks())` is the number of rows.
    pub fn start(&self, chunk: usize) -> usize {
        chunk * (self.rows / self.chunks) + chunk.min(self.rows % self.chunks)
    }

    /// The first internal row of every chunk, and the number of rows at the end.
    pub fn starts(&self) -> Vec<usize> {
        (0..=self.chunks).map(|chunk| self.start(chunk)).collect()
    }

    /// Where a logical row lies.
    pub fn to_internal(&self, logical: u32) -> u32 {
        let logical = logical as usize;
        (self.start(logical % self.chunks) + logical / self.chunks) as u32
    }

    /// The logical row that lies at `internal`.
    pub fn to_logical(&self, internal: u32) -> u32 {
        let internal = internal as usize;
        let (short, longer) = (self.rows / self.chunks, self.rows % self.chunks);
        // The first `longer` chunks hold one row more.
        let boundary = longer * (short + 1);
        let (chunk, position) = if internal < boundary {
            (internal / (short + 1), internal % (short + 1))
        } else {
            let rest = internal - boundary;
            (longer + rest / short, rest % short)
        };
        (position * self.chunks + chunk) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::Partition;

    #[test]
    fn is_a_bijection_that_fills_chunks_in_order() {
        for rows in [1, 2, 15, 511, 512, 1024, 1025, 4099, 49_531] {
            let partition = Partition::new(rows);
            assert!(partition.chunks().is_power_of_two());
            assert_eq!(partition.start(partition.chunks()), rows);
            let mut seen = vec![false; rows];
            for logical in 0..rows as u32 {
                let internal = partition.to_internal(logical);
                assert!(!std::mem::replace(&mut seen[internal as usize], true));
                assert_eq!(partition.to_logical(internal), logical);
                let chunk = logical as usize % partition.chunks();
                let range = partition.start(chunk)..partition.start(chunk + 1);
                assert!(range.contains(&(internal as usize)));
            }
        }
    }
}
