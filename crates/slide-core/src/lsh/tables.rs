//! Hash tables over the rows of a layer, built by counting sort.

use std::ops::Range;

use slide_kernels::{Kernels, rng::RngKey};
use slide_mem::{Arena, MemError, Placement, Report, RowTable, Slab, Workers};

use super::{BucketPolicy, HashError, HashingConfig};
use crate::streams;

/// Rows whose codes are stored together.
///
/// Hashing computes codes row by row; a table is built from the codes of one table. Storage by row would cost the build
/// a cache line per code; storage by table would scatter the writes and could not be split by rows among the workers. So
/// codes are stored by block, and within a block by table: a block is the unit of hashing work, and the build of a table
/// reads runs of 1 KiB.
const BLOCK_ROWS: usize = 256;

/// `tables` hash tables over `rows` rows, and the codes that they were built from.
///
/// A table is a list of row numbers sorted by bucket and the start of each bucket: an empty bucket takes four
/// bytes. Later builds allocate nothing large.
#[derive(Debug)]
pub(crate) struct HashTables {
    settings: HashingConfig,
    rows: usize,
    /// One block per row, `[table][BLOCK_ROWS]`; 0 after the last row.
    blocks: RowTable<u32>,
    tables: Vec<HashTable>,
    /// The arena of `tables`: buckets are read in random order, so it asks for huge pages.
    arena: Arena,
    placement: Placement,
    scratch: Vec<Scratch>,
}

/// Buffers of one worker, reused by later builds.
#[derive(Clone, Debug, Default)]
struct Scratch {
    places: Vec<Place>,
    codes: Vec<u32>,
}

#[derive(Debug)]
struct HashTable {
    /// Where each bucket begins in `rows`, and the end of the last one.
    starts: Slab<u32>,
    /// By bucket, ascending in each. Long enough for any rebuild; pages that are not touched take no memory.
    rows: Slab<u32>,
}

/// The state of one bucket while its table is built.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    /// The position of the next row.
    next: u32,
    /// How many of the remaining rows are dropped.
    surplus: u32,
}

impl HashTables {
    /// Tables with empty buckets; call [`rebuild`](Self::rebuild) once there are codes.
    ///
    /// # Errors
    /// Impossible settings, more than `u32::MAX` rows, or no memory.
    pub(crate) fn empty(settings: &HashingConfig, rows: usize, placement: Placement) -> Result<Self, HashError> {
        settings.validate()?;
        if u32::try_from(rows).is_err() {
            return Err(HashError::TooManyRows { rows });
        }
        let starts = settings.buckets() + 1;
        let most = rows.min(settings.buckets().saturating_mul(settings.bucket_size as usize));
        let [starts_bytes, most_bytes] = [starts, most].map(Arena::bytes_for::<u32>);
        let bytes = starts_bytes?.saturating_add(most_bytes?);
        let arena = Arena::new(settings.tables.saturating_mul(bytes), placement)?;
        let table = |_| Ok::<_, MemError>(HashTable { starts: arena.slab(starts)?, rows: arena.slab(most)? });
        let tables = (0..settings.tables).map(table).collect::<Result<_, _>>()?;
        let blocks = RowTable::zeroed(rows.div_ceil(BLOCK_ROWS), settings.tables * BLOCK_ROWS, placement)?;
        Ok(Self { settings: settings.clone(), rows, blocks, tables, arena, placement, scratch: Vec::new() })
    }

    /// Tables from the codes of a checkpoint, `[rows][tables]` in the order of [`codes`](Self::codes), not built yet.
    ///
    /// # Errors
    /// Impossible settings, a wrong number of codes, a code out of range, or no memory.
    pub(crate) fn from_codes(
        settings: &HashingConfig,
        rows: usize,
        codes: &[u32],
        placement: Placement,
    ) -> Result<Self, HashError> {
        let mut tables = Self::empty(settings, rows, placement)?;
        let expected = rows.checked_mul(settings.tables);
        if expected != Some(codes.len()) {
            return Err(HashError::CodeCount { rows, tables: settings.tables, found: codes.len() });
        }
        if let Some(at) = codes.iter().position(|&code| code as usize >= settings.buckets()) {
            return Err(HashError::CodeRange {
                row: at / settings.tables,
                code: codes[at],
                buckets: settings.buckets(),
            });
        }
        for (block, codes) in codes.chunks(BLOCK_ROWS * settings.tables).enumerate() {
            store(codes, settings.tables, tables.blocks.row_mut(block));
        }
        Ok(tables)
    }

    /// The codes of all rows, `[rows][tables]`, for a checkpoint: tables rebuilt after a resume would be of newer
    /// weights than those of the uninterrupted run.
    #[must_use]
    pub(crate) fn codes(&self) -> Vec<u32> {
        let mut codes = Vec::with_capacity(self.rows * self.settings.tables);
        for row in 0..self.rows {
            let block = self.blocks.row(row / BLOCK_ROWS);
            codes.extend(block.chunks_exact(BLOCK_ROWS).map(|codes| codes[row % BLOCK_ROWS]));
        }
        codes
    }

    /// Replaces all codes: `hash` is called for runs of rows, on the worker that owns the run, and writes the codes of
    /// its rows, `[rows of the run][tables]`. Call [`rebuild`](Self::rebuild) afterwards.
    ///
    /// # Panics
    /// If a code is out of range.
    pub(crate) fn each_block_of_codes(&mut self, workers: &Workers, hash: impl Fn(Range<usize>, &mut [u32]) + Sync) {
        let Self { settings, rows, blocks, scratch, .. } = self;
        scratch.resize_with(workers.count(), Scratch::default);
        let bounds: Vec<usize> = (0..=blocks.rows()).collect();
        workers.each_with(scratch, &mut blocks.shards_mut(&bounds), |number, block, Scratch { codes, .. }| {
            let first = number * BLOCK_ROWS;
            let end = (first + BLOCK_ROWS).min(*rows);
            codes.resize((end - first) * settings.tables, 0);
            hash(first..end, codes);
            let buckets = settings.buckets();
            assert!(codes.iter().all(|&code| (code as usize) < buckets), "a hash code out of range");
            store(codes, settings.tables, block);
        });
    }

    /// Fills all buckets from the stored codes.
    ///
    /// With [`BucketPolicy::Reservoir`], the rows that an overfull bucket keeps depend on `seed` and on `rebuild`, a
    /// number that differs between rebuilds ([`Rebuild::last_due`](super::Rebuild::last_due) is one that is the same
    /// in a resumed run). The result does not depend on the number of workers.
    pub(crate) fn rebuild(&mut self, kernels: &Kernels, workers: &Workers, seed: u64, rebuild: u64) {
        let Self { settings, rows, blocks, tables, scratch, .. } = self;
        scratch.resize_with(workers.count(), Scratch::default);
        workers.each_with(scratch, tables, |number, table, Scratch { places, .. }| {
            let runs = || {
                (0..blocks.rows()).map(|block| {
                    let first = block * BLOCK_ROWS;
                    let run = BLOCK_ROWS.min(*rows - first);
                    (first as u32, &blocks.row(block)[number * BLOCK_ROWS..][..run])
                })
            };
            let overfull = table.reserve(settings, runs().map(|(_, codes)| codes), places);
            let reservoir = overfull && settings.bucket_policy == BucketPolicy::Reservoir;
            let key = RngKey::new(seed, streams::RESERVOIR, rebuild, number as u32);
            let mut random = [0; BLOCK_ROWS];
            for (first, codes) in runs() {
                if reservoir {
                    kernels.random_words(key, first.into(), &mut random);
                }
                table.insert(settings.bucket_policy, first, codes, &random, places);
            }
        });
    }

    /// The rows in the bucket of `code`, ascending, at most `bucket_size`.
    ///
    /// # Panics
    /// If there is no such table or bucket.
    #[must_use]
    pub(crate) fn bucket(&self, table: usize, code: u32) -> &[u32] {
        let table = &self.tables[table];
        &table.rows[table.range(code)]
    }

    /// The number of rows of the layer.
    #[must_use]
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// The settings of the tables.
    #[must_use]
    pub(crate) fn settings(&self) -> &HashingConfig {
        &self.settings
    }

    /// The requested pages and nodes.
    #[must_use]
    pub(crate) fn placement(&self) -> Placement {
        self.placement
    }

    /// The pages and nodes of codes and buckets.
    #[must_use]
    pub(crate) fn report(&self) -> Report {
        let mut report = self.arena.report();
        report.merge(&self.blocks.report());
        report
    }

    /// Bytes held: codes, buckets, and the buffers of a rebuild.
    #[cfg(test)]
    pub(crate) fn bytes(&self) -> usize {
        let codes = self.blocks.as_slice().len();
        let tables: usize = self.tables.iter().map(|table| table.starts.len() + table.rows.len()).sum();
        let scratch: usize =
            self.scratch.iter().map(|scratch| 2 * scratch.places.capacity() + scratch.codes.capacity()).sum();
        size_of::<u32>() * (codes + tables + scratch)
    }
}

impl HashTable {
    fn range(&self, code: u32) -> Range<usize> {
        self.starts[code as usize] as usize..self.starts[code as usize + 1] as usize
    }

    /// First half of the counting sort: computes the position of every bucket. True if one is overfull.
    fn reserve<'a>(
        &mut self,
        settings: &HashingConfig,
        runs: impl Iterator<Item = &'a [u32]>,
        places: &mut Vec<Place>,
    ) -> bool {
        places.clear();
        places.resize(settings.buckets(), Place::default());
        for codes in runs {
            for &code in codes {
                places[code as usize].surplus += 1;
            }
        }
        let mut next = 0;
        let mut overfull = false;
        for (place, start) in places.iter_mut().zip(self.starts.iter_mut()) {
            let kept = place.surplus.min(settings.bucket_size);
            overfull |= kept < place.surplus;
            *start = next;
            *place = Place { next, surplus: place.surplus - kept };
            next += kept;
        }
        self.starts[places.len()] = next;
        overfull
    }

    /// Second half: writes the rows `first..` with these codes to their positions. The numbers of kept and surplus rows are
    /// known, so both policies decide row by row, in order, and the bucket is ascending.
    fn insert(&mut self, policy: BucketPolicy, first: u32, codes: &[u32], random: &[u32], places: &mut [Place]) {
        for ((row, &code), &word) in (first..).zip(codes).zip(random) {
            let place = &mut places[code as usize];
            if place.surplus > 0 {
                let room = u64::from(self.starts[code as usize + 1] - place.next);
                let candidates = room + u64::from(place.surplus);
                let dropped = match policy {
                    BucketPolicy::Fifo => true,
                    // Selection sampling (Knuth, TAOCP 2, 3.4.2, algorithm S): as likely as a reservoir's choice.
                    BucketPolicy::Reservoir => (u64::from(word) * candidates) >> 32 >= room,
                };
                if dropped {
                    place.surplus -= 1;
                    continue;
                }
            }
            self.rows[place.next as usize] = row;
            place.next += 1;
        }
    }
}

/// Writes `codes` (`[up to BLOCK_ROWS][tables]`) to a block (`[tables][BLOCK_ROWS]`).
fn store(codes: &[u32], tables: usize, block: &mut [u32]) {
    for (row, codes) in codes.chunks_exact(tables).enumerate() {
        for (column, &code) in block.chunks_exact_mut(BLOCK_ROWS).zip(codes) {
            column[row] = code;
        }
    }
}
