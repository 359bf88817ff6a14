//! Rows of features: which have columns, and how they are weighted.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::config::{FeatureConfig, Kind, Weighting};
use crate::emit::{BLOCKS, Buffers, Numbers, Shape, Sink};
use crate::table::Table;
use crate::targets::Targets;
use crate::vocabulary::Vocabulary;
use crate::{hash, radix};

/// Rows that a task has.
const PIECE: usize = 256;
/// Parts of the hashes that are counted one beside the other.
const PARTS: usize = 256;
/// Most counts of features by classes.
const MOST_COUNTS: usize = 1 << 27;
/// Counts whose logarithms are known.
const COUNTS: usize = 64;
/// What is added to counts of features by classes.
const SMOOTHING: f64 = 1.0;

/// Features of rows, in compressed sparse rows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sparse {
    /// Where the features of each row start, and the end of the last.
    pub indptr: Vec<u64>,
    /// Features, ascending in each row.
    pub indices: Vec<u32>,
    /// A value for each.
    pub values: Vec<f32>,
}

impl Sparse {
    /// The features and values of a row.
    ///
    /// # Panics
    /// If there is no such row.
    #[must_use]
    pub fn row(&self, row: usize) -> (&[u32], &[f32]) {
        let range = self.indptr[row] as usize..self.indptr[row + 1] as usize;
        (&self.indices[range.clone()], &self.values[range])
    }
}

/// Makes rows of features from rows of fields.
#[derive(Clone, Debug)]
pub struct Featurizer {
    shape: Shape,
    vocabulary: Vocabulary,
    /// Of each feature: the first 16 bits of a float.
    weights: Vec<u16>,
    /// What counts are taken for.
    logarithms: [f32; COUNTS],
    /// What the features of columns without texts are multiplied with.
    scale: f32,
}

/// Bytes that are no featurizer.
#[derive(Debug, Error)]
#[error("not the features of a table: {0}")]
pub struct FeaturizerError(String);

/// What one thread needs.
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    buffers: Buffers,
    found: Found,
}

#[derive(Clone, Debug, Default)]
struct Found {
    /// Features of texts, with their blocks: `feature << 32 | block`.
    counted: Vec<u64>,
    /// Others.
    valued: Vec<(u32, f32)>,
    squares: Vec<f32>,
    spare: Vec<u64>,
}

impl Found {
    /// Puts features in the place of hashes, ascending.
    fn look_up(&mut self, vocabulary: &Vocabulary) {
        let mut count = 0;
        for at in 0..self.counted.len() {
            let item = self.counted[at];
            let feature = vocabulary.find((item >> 32) as u32);
            self.counted[count] = u64::from(feature.unwrap_or(0)) << 32 | item & u64::from(u32::MAX);
            count += usize::from(feature.is_some());
        }
        self.counted.truncate(count);
        let bits = usize::BITS - vocabulary.len().leading_zeros();
        radix::sort(&mut self.counted, &mut self.spare, bits, |item| (item >> 32) as u32);
    }
}

struct Finder<'a> {
    featurizer: &'a Featurizer,
    found: &'a mut Found,
}

impl Sink for Finder<'_> {
    #[inline]
    fn add(&mut self, block: usize, hash: u64, value: f32, _: impl FnOnce() -> String) {
        if self.featurizer.shape.is_text(block) {
            // Looked up together: the memory then answers many at the same time.
            self.found.counted.push(u64::from(hash::short(hash)) << 32 | block as u64);
        } else if let Some(feature) = self.featurizer.vocabulary.find(hash::short(hash)) {
            self.found.valued.push((feature, value));
        }
    }
}

struct Hashes<'a>(&'a mut Vec<u32>);

impl Sink for Hashes<'_> {
    #[inline]
    fn add(&mut self, _: usize, hash: u64, _: f32, _: impl FnOnce() -> String) {
        self.0.push(hash::short(hash));
    }
}

struct Names<'a> {
    vocabulary: &'a Vocabulary,
    names: &'a mut Vec<(u32, String)>,
}

impl Sink for Names<'_> {
    fn add(&mut self, _: usize, hash: u64, _: f32, name: impl FnOnce() -> String) {
        if let Some(feature) = self.vocabulary.find(hash::short(hash)) {
            self.names.push((feature, name()));
        }
    }
}

impl Featurizer {
    /// Learns from the rows of `table` that are `rows` which features there are and how they are weighted; `targets` are the labels of
    /// the table's rows, which [`Weighting::Classes`] needs. (Without them, with too many of them, or with rows of several labels, it is
    /// [`Weighting::Idf`].) The result does not depend on the number of threads.
    ///
    /// # Panics
    /// If the table has no column of a name that the configuration has.
    #[must_use]
    pub fn fit(config: &FeatureConfig, table: &Table, rows: &[u32], targets: Option<&Targets>) -> Self {
        let columns = columns_of(config, table);
        let numbers = |(column, &number): (&crate::Column, &usize)| match column.kind {
            Kind::Numeric | Kind::Date => Numbers::of(table, number, column.kind, config.bins.max(2)),
            _ => Numbers::default(),
        };
        let numbers = config.columns.iter().zip(&columns).map(numbers).collect();
        let shape = Shape { config: config.clone(), numbers };
        let counted = count(&shape, table, &columns, rows);
        let counted = frequent(counted, config);
        let hashes: Vec<u32> = counted.iter().map(|&(hash, _)| hash).collect();
        let weights = vec![0; hashes.len()];
        let mut featurizer = Self::new(shape, Vocabulary::new(hashes), weights);
        featurizer.weigh(&counted, table, &columns, rows, targets);
        featurizer
    }

    /// Without a look at any table: every n-gram and value has one of 2^`bits` features, which it may share with others, from 1 to 31
    /// bits. All weigh the same, and numbers are only what their text is.
    #[must_use]
    pub fn hashed(config: &FeatureConfig, bits: u32) -> Self {
        let numbers = vec![Numbers::default(); config.columns.len()];
        Self::new(Shape { config: config.clone(), numbers }, Vocabulary::range(bits), Vec::new())
    }

    fn new(shape: Shape, vocabulary: Vocabulary, weights: Vec<u16>) -> Self {
        let logarithms = std::array::from_fn(|count| 1.0 + libm::log(count.max(1) as f64) as f32);
        let others = shape.config.columns.iter().filter(|column| !matches!(column.kind, Kind::Text | Kind::Id)).count();
        let scale = 1.0 / (others.max(1) as f32).sqrt();
        Self { shape, vocabulary, weights, logarithms, scale }
    }

    fn weigh(
        &mut self,
        counted: &[(u32, u32)],
        table: &Table,
        columns: &[usize],
        rows: &[u32],
        targets: Option<&Targets>,
    ) {
        let features = counted.len();
        let weighting = self.shape.config.weighting;
        let by_class = targets.filter(|targets| {
            weighting == Weighting::Classes
                && features.saturating_mul(targets.names.len()) <= MOST_COUNTS
                && targets.are_single()
        });
        let classes = by_class.map_or(0, |targets| targets.names.len());
        let class_of = |row: u32| by_class.and_then(|targets| targets.of(row as usize).first());
        let mut sizes = vec![0_u32; classes];
        rows.iter().filter_map(|&row| class_of(row)).for_each(|&class| sizes[class as usize] += 1);
        // Sums of integers, which have no order.
        let counts: Vec<AtomicU32> = (0..features * classes).map(|_| AtomicU32::new(0)).collect();
        let is_text: Vec<AtomicBool> = (0..features).map(|_| AtomicBool::new(false)).collect();
        rows.par_chunks(PIECE).for_each_init(Scratch::default, |scratch, rows| {
            let Scratch { buffers, found } = scratch;
            for &row in rows {
                found.counted.clear();
                found.valued.clear();
                let field = |number: usize| table.field(row as usize, columns[number]);
                self.shape.emit(field, buffers, &mut Finder { featurizer: self, found });
                found.look_up(&self.vocabulary);
                found.counted.dedup_by_key(|pair| *pair >> 32);
                for &pair in &found.counted {
                    let feature = (pair >> 32) as usize;
                    is_text[feature].store(true, Ordering::Relaxed);
                    if let Some(&class) = class_of(row) {
                        counts[feature * classes + class as usize].fetch_add(1, Ordering::Relaxed);
                    }
                }
            }
        });
        let is_text: Vec<bool> = is_text.into_iter().map(AtomicBool::into_inner).collect();
        let counts: Vec<u32> = counts.into_iter().map(AtomicU32::into_inner).collect();
        let all: f64 = sizes.iter().map(|&size| f64::from(size)).sum();
        let idf = |in_rows: u32| 1.0 + libm::log((1.0 + rows.len() as f64) / (1.0 + f64::from(in_rows)));
        let ratio = |feature: usize, in_rows: u32| {
            let counts = &counts[feature * classes..(feature + 1) * classes];
            let ratios =
                counts.iter().zip(&sizes).filter(|(count, _)| classes == 2 || **count > 0).map(|(&count, &size)| {
                    let (count, size, in_rows) = (f64::from(count), f64::from(size), f64::from(in_rows));
                    let inside = (count + SMOOTHING) / (size + 2.0 * SMOOTHING);
                    let outside = (in_rows - count + SMOOTHING) / (all - size + 2.0 * SMOOTHING);
                    libm::log(inside / outside).abs()
                });
            ratios.fold(0.0, f64::max)
        };
        let weight = |feature: usize| {
            if !is_text[feature] || weighting == Weighting::Equal {
                return 1.0;
            }
            let in_rows = counted[feature].1;
            if classes > 1 { ratio(feature, in_rows) } else { idf(in_rows) }
        };
        self.weights = (0..features).into_par_iter().map(|feature| rounded(weight(feature) as f32)).collect();
    }

    /// The number of features.
    #[must_use]
    pub fn width(&self) -> usize {
        self.vocabulary.len()
    }

    fn weight(&self, feature: u32) -> f32 {
        self.weights.get(feature as usize).map_or(1.0, |&weight| float(weight))
    }

    /// What it was made by.
    #[must_use]
    pub fn config(&self) -> &FeatureConfig {
        &self.shape.config
    }

    /// Puts the features of a row, ascending, and their values into `indices` and `values`, behind what these have. `field` gives the
    /// fields by the numbers of the configuration's columns.
    pub fn row<'a>(
        &self,
        field: impl Fn(usize) -> &'a str,
        scratch: &mut Scratch,
        indices: &mut Vec<u32>,
        values: &mut Vec<f32>,
    ) {
        let Scratch { buffers, found } = scratch;
        found.counted.clear();
        found.valued.clear();
        self.shape.emit(field, buffers, &mut Finder { featurizer: self, found });
        found.look_up(&self.vocabulary);
        found.squares.clear();
        found.squares.resize(self.shape.config.columns.len() * BLOCKS, 0.0);
        let first = indices.len();
        // Equal ones are counted. Two blocks have the same feature if hashes collide: the first has it.
        let is_same = |a: &u64, b: &u64| a >> 32 == b >> 32;
        for run in found.counted.chunk_by(is_same) {
            let (feature, block) = ((run[0] >> 32) as u32, run[0] as u32 as usize);
            let count = self.logarithms.get(run.len()).copied();
            let count = count.unwrap_or_else(|| 1.0 + libm::log(run.len() as f64) as f32);
            let value = count * self.weight(feature);
            found.squares[block] += value * value;
            indices.push(feature);
            values.push(value);
        }
        let scale = |square: &mut f32| *square = if *square > 0.0 { 1.0 / square.sqrt() } else { 0.0 };
        found.squares.iter_mut().for_each(scale);
        let runs = found.counted.chunk_by(is_same);
        for (value, run) in values[first..].iter_mut().zip(runs) {
            *value *= found.squares[run[0] as u32 as usize];
        }
        if found.valued.is_empty() {
            return;
        }
        found.valued.sort_unstable_by(|a, b| a.0.cmp(&b.0).then(b.1.total_cmp(&a.1)));
        let texts: Vec<(u32, f32)> = indices.drain(first..).zip(values.drain(first..)).collect();
        let mut all: Vec<(u32, f32)> = Vec::with_capacity(texts.len() + found.valued.len());
        for run in found.valued.chunk_by(|a, b| a.0 == b.0) {
            all.push((run[0].0, run[0].1 * self.scale * self.weight(run[0].0)));
        }
        all.extend(texts);
        all.sort_unstable_by_key(|pair| pair.0);
        all.dedup_by_key(|pair| pair.0);
        indices.extend(all.iter().map(|pair| pair.0));
        values.extend(all.iter().map(|pair| pair.1));
    }

    /// The features of rows of a table, by all threads of rayon's pool.
    ///
    /// # Panics
    /// If the table has no column of a name that the configuration has.
    #[must_use]
    pub fn transform(&self, table: &Table, rows: &[u32]) -> Sparse {
        let columns = columns_of(self.config(), table);
        let pieces: Vec<Sparse> = rows
            .par_chunks(PIECE)
            .map_init(Scratch::default, |scratch, rows| {
                let mut piece = Sparse::default();
                for &row in rows {
                    let field = |number: usize| table.field(row as usize, columns[number]);
                    self.row(field, scratch, &mut piece.indices, &mut piece.values);
                    piece.indptr.push(piece.indices.len() as u64);
                }
                piece
            })
            .collect();
        let entries = pieces.iter().map(|piece| piece.indices.len()).sum();
        let mut all = Sparse {
            indptr: Vec::with_capacity(rows.len() + 1),
            indices: Vec::with_capacity(entries),
            values: Vec::with_capacity(entries),
        };
        all.indptr.push(0);
        for piece in pieces {
            let before = all.indices.len() as u64;
            all.indptr.extend(piece.indptr.iter().map(|end| before + end));
            all.indices.extend_from_slice(&piece.indices);
            all.values.extend_from_slice(&piece.values);
        }
        all
    }

    /// The features of a row in the order of its fields, with names for people; a feature occurs as often as in the row.
    #[must_use]
    pub fn names<'a>(&self, field: impl Fn(usize) -> &'a str) -> Vec<(u32, String)> {
        let mut names = Vec::new();
        let mut sink = Names { vocabulary: &self.vocabulary, names: &mut names };
        self.shape.emit(field, &mut Buffers::default(), &mut sink);
        names
    }

    /// All that [`from_bytes`](Self::from_bytes) needs.
    ///
    /// # Panics
    /// Never: its parts can be written as JSON.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let header = Header { shape: self.shape.clone(), features: self.weights.len(), bits: self.vocabulary.bits() };
        let header = serde_json::to_vec(&header).expect("names and numbers");
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend(header);
        bytes.extend(self.weights.iter().flat_map(|weight| weight.to_le_bytes()));
        let mut before = 0;
        for &hash in self.vocabulary.hashes() {
            let mut rest = hash - before;
            before = hash;
            // LEB128.
            while rest >= 0x80 {
                bytes.push(rest as u8 | 0x80);
                rest >>= 7;
            }
            bytes.push(rest as u8);
        }
        bytes
    }

    /// The featurizer that gave these bytes.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, FeaturizerError> {
        let short = || FeaturizerError("the bytes end early".into());
        let (length, rest) = bytes.split_first_chunk::<8>().ok_or_else(short)?;
        let length = usize::try_from(u64::from_le_bytes(*length)).map_err(|_| short())?;
        let (header, rest) = rest.split_at_checked(length).ok_or_else(short)?;
        let Header { shape, features, bits } =
            serde_json::from_slice(header).map_err(|error| FeaturizerError(error.to_string()))?;
        if shape.numbers.len() != shape.config.columns.len() {
            return Err(FeaturizerError("not as many statistics as columns".into()));
        }
        let (weights, rest) = features.checked_mul(2).and_then(|end| rest.split_at_checked(end)).ok_or_else(short)?;
        let weights = weights.as_chunks::<2>().0.iter().map(|&bytes| u16::from_le_bytes(bytes)).collect();
        let (mut hashes, mut rest, mut before) = (Vec::new(), rest.iter(), 0_u64);
        for number in 0..features {
            let (mut step, mut shift) = (0_u64, 0);
            loop {
                let &byte = rest.next().ok_or_else(short)?;
                step |= u64::from(byte & 0x7f) << shift;
                shift += 7;
                if byte < 0x80 {
                    break;
                }
                if shift > 28 {
                    return Err(FeaturizerError("a number of more than 32 bits".into()));
                }
            }
            before += step;
            if (step == 0 && number > 0) || before > u64::from(u32::MAX) {
                return Err(FeaturizerError("hashes that do not ascend".into()));
            }
            hashes.push(before as u32);
        }
        if rest.next().is_some() {
            return Err(FeaturizerError("bytes behind the end".into()));
        }
        if let Some(bits) = bits {
            return Ok(Self::new(shape, Vocabulary::range(bits), Vec::new()));
        }
        Ok(Self::new(shape, Vocabulary::new(hashes), weights))
    }
}

#[derive(Serialize, Deserialize)]
struct Header {
    shape: Shape,
    features: usize,
    /// If every hash has a feature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bits: Option<u32>,
}

/// The columns of a table that a configuration names.
fn columns_of(config: &FeatureConfig, table: &Table) -> Vec<usize> {
    let column = |column: &crate::Column| {
        table.column(&column.name).unwrap_or_else(|| panic!("the table has no column {}", column.name))
    };
    config.columns.iter().map(column).collect()
}

/// The hashes of the rows' features, ascending, with the number of rows that have each.
fn count(shape: &Shape, table: &Table, columns: &[usize], rows: &[u32]) -> Vec<(u32, u32)> {
    let least = shape.config.least_rows;
    // Larger pieces than those of the transformation: each has a list for each part.
    let size = rows.len().div_ceil(4 * rayon::current_num_threads()).clamp(PIECE, 1 << 16);
    let pieces: Vec<Vec<Vec<u32>>> = rows
        .par_chunks(size)
        .map(|rows| {
            let mut parts = vec![Vec::new(); PARTS];
            let (mut hashes, mut spare, mut buffers) = (Vec::new(), Vec::new(), Buffers::default());
            for &row in rows {
                hashes.clear();
                let field = |number: usize| table.field(row as usize, columns[number]);
                shape.emit(field, &mut buffers, &mut Hashes(&mut hashes));
                radix::sort(&mut hashes, &mut spare, 32, |hash| hash);
                hashes.dedup();
                for &hash in &hashes {
                    parts[hash as usize / (1 << 24)].push(hash);
                }
            }
            parts
        })
        .collect();
    let counted: Vec<Vec<(u32, u32)>> = (0..PARTS)
        .into_par_iter()
        .map(|part| {
            let mut hashes: Vec<u32> = pieces.iter().flat_map(|piece| &piece[part]).copied().collect();
            // They have the first byte in common.
            radix::sort(&mut hashes, &mut Vec::new(), 24, |hash| hash);
            let runs = hashes.chunk_by(|a, b| a == b);
            runs.map(|run| (run[0], run.len() as u32)).filter(|&(_, rows)| rows >= least).collect()
        })
        .collect();
    counted.concat()
}

/// As many of the counted hashes as there may be: those in most rows.
fn frequent(mut counted: Vec<(u32, u32)>, config: &FeatureConfig) -> Vec<(u32, u32)> {
    if counted.len() > config.most_features {
        let mut rows: Vec<u32> = counted.iter().map(|&(_, rows)| rows).collect();
        let at = counted.len() - config.most_features;
        let bar = *rows.select_nth_unstable(at).1;
        let above = counted.iter().filter(|&&(_, rows)| rows > bar).count();
        let mut equal = config.most_features - above;
        counted.retain(|&(_, rows)| {
            let takes = rows == bar && equal > 0;
            equal -= usize::from(takes);
            rows > bar || takes
        });
    }
    counted
}

/// The first 16 bits of a float, rounded to nearest.
fn rounded(value: f32) -> u16 {
    ((value.to_bits() + 0x8000) >> 16) as u16
}

fn float(bits: u16) -> f32 {
    f32::from_bits(u32::from(bits) << 16)
}
