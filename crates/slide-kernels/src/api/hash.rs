//! Locality-sensitive hash codes of dense vectors: SimHash, and three families based on bins of coordinates.

use crate::rng::{CounterRng, RngKey};
use crate::{Kernels, Matrix};

/// The largest width of a vector that can be hashed.
pub const MAX_WIDTH: usize = 8192;
/// The most hash values (`bits * tables`, `values * tables`) of one set of functions.
pub const MAX_VALUES: usize = 16_384;

/// Streams of [`RngKey`] that this module draws from.
const SIGN_STREAM: u32 = 0xff01;
const BIN_STREAM: u32 = 0xff02;

table! {
    /// Safety: the level is available; vectors and parameters have one width; `out` has a code per vector and table.
    simhash_codes: unsafe fn(&SimHash, Matrix, &mut [u32]),
    /// Safety: the level is available; vectors and parameters have one width; `out` has a code per vector and table.
    wta_codes: unsafe fn(&Bins, Matrix, &mut [u32]),
    /// Safety: the level is available; vectors and parameters have one width; `out` has a code per vector and table.
    dwta_codes: unsafe fn(&Bins, Matrix, &mut [u32]),
    /// Safety: the level is available; vectors and parameters have one width; `out` has a code per vector and table.
    minhash_codes: unsafe fn(&Bins, Matrix, &mut [u32]),
}

/// Invalid parameters of a hash family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HashError {
    /// The width is zero or too large.
    #[error("width is {0}; expected 1 to {MAX_WIDTH}, or what fits in memory for a matrix of signs")]
    Width(usize),
    /// A code would have no bits, or more than 32.
    #[error("a code has {0} bits; expected 1 to 32")]
    CodeBits(usize),
    /// The size of the bins is not supported.
    #[error("a bin has 2^{0} coordinates; expected 2^1 to 2^6")]
    BinBits(usize),
    /// The number of hash values is zero or too large.
    #[error("there are {0} hash values in all tables; expected 1 to {MAX_VALUES}")]
    Values(usize),
    /// A bin contains a coordinate that is not below the width.
    #[error("bin {bin} looks at coordinate {coordinate}, which is not below the width")]
    Position {
        /// The bin.
        bin: usize,
        /// The coordinate.
        coordinate: usize,
    },
    /// A slice has the wrong length.
    #[error("{what} has {found} elements; expected {expected}")]
    Length {
        /// Which slice.
        what: &'static str,
        /// Its length.
        found: usize,
        /// The length required by the other parameters.
        expected: usize,
    },
}

fn check_length(what: &'static str, found: usize, expected: usize) -> Result<(), HashError> {
    if found == expected { Ok(()) } else { Err(HashError::Length { what, found, expected }) }
}

/// The number of hash values, if supported.
fn check_values(per_code: usize, tables: usize) -> Result<usize, HashError> {
    let values = per_code.saturating_mul(tables);
    if values == 0 || values > MAX_VALUES {
        return Err(HashError::Values(values));
    }
    Ok(values)
}

fn check_width(width: usize) -> Result<(), HashError> {
    if width == 0 || width > MAX_WIDTH {
        return Err(HashError::Width(width));
    }
    Ok(())
}

/// A vector is padded with zeros to a power of two, at least one register of 16 lanes.
fn padded_width(width: usize) -> usize {
    width.next_power_of_two().max(16)
}

/// Signed random projections (Charikar: Similarity Estimation Techniques from Rounding Algorithms, STOC 2002), by the
/// fast Hadamard transform of a vector with random signs (Ailon and Chazelle: The Fast Johnson-Lindenstrauss Transform,
/// SIAM J. Comput. 2009) instead of a dense matrix.
///
/// The vector is padded to `P` coordinates, a power of two. Each round multiplies it by the round's random signs and
/// transforms it, which gives `P` projections; the rounds together give projections `0..rounds * P`.
/// Bit `k` of the code of table `t` is 1 where projection `k * tables + t` is greater than 0 (NaN is not). So the bits of
/// one code lie `tables` apart: in different rounds as far as there are enough rounds, elsewhere on rows of
/// the Hadamard matrix that are orthogonal to each other.
///
/// Two vectors at an angle `a` agree in a bit with a probability of about `1 - a / pi`.
#[derive(Clone, Copy, Debug)]
pub struct SimHash<'a> {
    width: usize,
    bits: usize,
    tables: usize,
    signs: &'a [u32],
}

impl<'a> SimHash<'a> {
    /// The length of `signs`: one word per round and padded coordinate.
    ///
    /// # Errors
    /// If `width` is not in `1..=MAX_WIDTH`, `bits` not in `1..=32`, or `bits * tables` not in `1..=MAX_VALUES`.
    pub fn signs_len(width: usize, bits: usize, tables: usize) -> Result<usize, HashError> {
        check_width(width)?;
        if bits == 0 || bits > 32 {
            return Err(HashError::CodeBits(bits));
        }
        let values = check_values(bits, tables)?;
        Ok(values.next_multiple_of(padded_width(width)))
    }

    /// Draws the signs: each word is 0 (plus) or `0x8000_0000` (minus), to be xored with the bits of a coordinate.
    pub fn draw_signs(seed: u64, signs: &mut [u32]) {
        let mut rng = CounterRng::new(RngKey::new(seed, SIGN_STREAM, 0, 0));
        for sign in signs {
            *sign = rng.next_u32() & 0x8000_0000;
        }
    }

    /// Hash functions for vectors of this `width` that give `tables` codes of `bits` bits. Only checks the lengths.
    ///
    /// # Errors
    /// As [`signs_len`](Self::signs_len), or if `signs` does not have that length.
    pub fn new(width: usize, bits: usize, tables: usize, signs: &'a [u32]) -> Result<Self, HashError> {
        check_length("signs", signs.len(), Self::signs_len(width, bits, tables)?)?;
        Ok(SimHash { width, bits, tables, signs })
    }

    /// The width of the vectors.
    pub fn width(&self) -> usize {
        self.width
    }

    /// The width after padding, which is also the number of projections per round.
    pub fn padded_width(&self) -> usize {
        padded_width(self.width)
    }

    /// Bits per code (`K`).
    pub fn bits(&self) -> usize {
        self.bits
    }

    /// Codes per vector, one per table (`L`).
    pub fn tables(&self) -> usize {
        self.tables
    }

    /// The sign words, `padded_width` for each round.
    pub fn signs(&self) -> &'a [u32] {
        self.signs
    }
}

/// Hash functions over bins of `m = 2^bin_bits` coordinates each.
///
/// A bin's value is a position `0..m` within it, chosen by the family; a code packs `values` of them, `bin_bits` bits
/// each, value `k` of table `t` being that of bin `k * tables + t`, at bit `k * bin_bits`.
///
/// The families:
/// * **WTA**, winner takes all (Yagnik, Strelow, Ross and Lin: The Power of Comparative Reasoning, ICCV 2011): the position of
///   the largest coordinate, ties to the lower position. NaN never wins.
/// * **DWTA**, densified WTA (Chen and Shrivastava: Densified Winner Take All Hashing for Sparse Datasets, UAI 2018): the
///   same among the coordinates that are not zero, NaN or `-inf`. A bin without one is empty and takes the
///   value of another bin.
/// * **MinHash** of the set of positive coordinates, by one-permutation hashing (Li, Owen and Zhang, NIPS 2012): the position
///   of the first one in the bin; an empty bin takes the value of another.
///
/// Densification is that of Shrivastava (Optimal Densification for Fast and Accurate Minwise Hashing, ICML 2017): an empty
/// bin tries the bins that a universal hash of its number and of the attempt names, up to 64 of them, then the bins after
/// it in order, until one is not empty. If all bins are empty every value is 0.
#[derive(Clone, Copy, Debug)]
pub struct Bins<'a> {
    width: usize,
    bin_bits: usize,
    values: usize,
    tables: usize,
    positions: &'a [u32],
}

impl<'a> Bins<'a> {
    /// The length of `positions`: the bins, rounded up to a multiple of 16, times `2^bin_bits`.
    ///
    /// # Errors
    /// If `width` is not in `1..=MAX_WIDTH`, `bin_bits` not in `1..=6`, `values * bin_bits` not in `1..=32`, or `values *
    /// tables` not in `1..=MAX_VALUES`.
    pub fn positions_len(width: usize, bin_bits: usize, values: usize, tables: usize) -> Result<usize, HashError> {
        check_width(width)?;
        if bin_bits == 0 || bin_bits > 6 {
            return Err(HashError::BinBits(bin_bits));
        }
        let code_bits = values.saturating_mul(bin_bits);
        if code_bits == 0 || code_bits > 32 {
            return Err(HashError::CodeBits(code_bits));
        }
        Ok(check_values(values, tables)?.next_multiple_of(16) << bin_bits)
    }

    /// Draws the coordinates of WTA: each bin has the first `2^bin_bits` of a permutation of its own.
    ///
    /// `permutation` is scratch space of `width` elements. If the width is less than a bin, coordinates repeat.
    ///
    /// # Errors
    /// If `permutation` does not have 1 to `MAX_WIDTH` elements, `bin_bits` is not in `1..=6`, or `positions` is not a whole number
    /// of 16 bins.
    pub fn draw_separate(
        seed: u64,
        bin_bits: usize,
        permutation: &mut [u32],
        positions: &mut [u32],
    ) -> Result<(), HashError> {
        draw(seed, bin_bits, 1, permutation, positions)
    }

    /// Draws the coordinates of DWTA and MinHash: a permutation of all coordinates is cut into bins of `2^bin_bits`,
    /// then the next permutation, until there are enough bins. A remainder of less than a bin is not used.
    ///
    /// `permutation` is scratch space of `width` elements. If the width is less than a bin, coordinates repeat.
    ///
    /// # Errors
    /// If `permutation` does not have 1 to `MAX_WIDTH` elements, `bin_bits` is not in `1..=6`, or `positions` is not a whole number
    /// of 16 bins.
    pub fn draw_shared(
        seed: u64,
        bin_bits: usize,
        permutation: &mut [u32],
        positions: &mut [u32],
    ) -> Result<(), HashError> {
        let bins = permutation.len() >> bin_bits.min(6);
        draw(seed, bin_bits, bins.max(1), permutation, positions)
    }

    /// Hash functions for vectors of this `width` that give `tables` codes of `values` times `bin_bits` bits. Only checks the lengths.
    ///
    /// Position `j` of bin `b` is the coordinate `positions[(b / 16 << bin_bits | j) * 16 + b % 16]`, modulo the
    /// [`padded_width`](Self::padded_width); a coordinate past the width is taken as NaN.
    ///
    /// # Errors
    /// As [`positions_len`](Self::positions_len), or if `positions` does not have that length.
    pub fn new(
        width: usize,
        bin_bits: usize,
        values: usize,
        tables: usize,
        positions: &'a [u32],
    ) -> Result<Self, HashError> {
        let expected = Self::positions_len(width, bin_bits, values, tables)?;
        check_length("positions", positions.len(), expected)?;
        Ok(Bins { width, bin_bits, values, tables, positions })
    }

    /// The width of the vectors.
    pub fn width(&self) -> usize {
        self.width
    }

    /// The width rounded up to a power of two, at least 128: positions are taken modulo this.
    pub fn padded_width(&self) -> usize {
        self.width.next_power_of_two().max(128)
    }

    /// The binary logarithm of the number of coordinates per bin.
    pub fn bin_bits(&self) -> usize {
        self.bin_bits
    }

    /// Values per code (`K`).
    pub fn values(&self) -> usize {
        self.values
    }

    /// Codes per vector, one per table (`L`).
    pub fn tables(&self) -> usize {
        self.tables
    }

    /// The number of bins of all tables together.
    pub fn bins(&self) -> usize {
        self.values * self.tables
    }

    /// The coordinate at a position of a bin, modulo the padded width.
    ///
    /// # Panics
    /// If there is no such bin.
    pub fn coordinate(&self, bin: usize, position: usize) -> usize {
        let position = self.positions[((bin / 16) << self.bin_bits | position) * 16 + bin % 16];
        position as usize & (self.padded_width() - 1)
    }

    /// The coordinates of the bins, 16 bins side by side.
    pub fn positions(&self) -> &'a [u32] {
        self.positions
    }
}

/// Fills `positions` with bins, `bins_each` of every permutation.
fn draw(
    seed: u64,
    bin_bits: usize,
    bins_each: usize,
    permutation: &mut [u32],
    positions: &mut [u32],
) -> Result<(), HashError> {
    check_width(permutation.len())?;
    if bin_bits == 0 || bin_bits > 6 {
        return Err(HashError::BinBits(bin_bits));
    }
    let width = permutation.len();
    let size = 1 << bin_bits;
    check_length("positions", positions.len(), positions.len().next_multiple_of(16 * size))?;
    for bin in 0..positions.len() / size {
        let (number, part) = (bin / bins_each, bin % bins_each);
        if part == 0 {
            for (i, coordinate) in permutation.iter_mut().enumerate() {
                *coordinate = i as u32;
            }
            let key = RngKey::new(seed, BIN_STREAM, 0, number as u32);
            CounterRng::new(key).shuffle(permutation);
        }
        for j in 0..size {
            positions[(bin / 16 * size + j) * 16 + bin % 16] = permutation[(part * size + j) % width];
        }
    }
    Ok(())
}

/// Panics unless the shapes fit: vectors of the width of the functions, a code for each vector and table.
fn check_shapes(kernel: &str, width: usize, tables: usize, vectors: Matrix, codes: usize) {
    assert_eq!(vectors.width(), width, "{kernel}: the width of the vectors is not that of the hash functions");
    assert_eq!(
        Some(codes),
        vectors.rows().checked_mul(tables),
        "{kernel}: out does not have one code per vector and table"
    );
}

impl Kernels {
    /// SimHash codes of the rows of `vectors`: `out[v * tables + t]` is the code of vector `v` for table `t`.
    ///
    /// Order of the transform: for `h = 1, 2, 4, ..., P / 2`, all pairs `i`, `i + h` with bit `h` of `i` clear
    /// become their sum and their difference.
    ///
    /// # Panics
    /// If the width of the vectors is not that of `functions`, or `out` does not have `rows * tables` elements.
    pub fn simhash_codes(&self, functions: &SimHash, vectors: Matrix, out: &mut [u32]) {
        check_shapes("simhash_codes", functions.width, functions.tables, vectors, out.len());
        // SAFETY: a `Kernels` value proves its level; the shapes were checked.
        unsafe { (self.hash.simhash_codes)(functions, vectors, out) }
    }

    /// WTA codes (see [`Bins`]) of the rows of `vectors`: `out[v * tables + t]` is that of vector `v` for table `t`.
    ///
    /// # Panics
    /// If the width of the vectors is not that of `functions`, or `out` does not have `rows * tables` elements.
    pub fn wta_codes(&self, functions: &Bins, vectors: Matrix, out: &mut [u32]) {
        let Bins { width, tables, .. } = *functions;
        check_shapes("wta_codes", width, tables, vectors, out.len());
        // SAFETY: a `Kernels` value proves its level; the shapes were checked.
        unsafe { (self.hash.wta_codes)(functions, vectors, out) }
    }

    /// DWTA codes (see [`Bins`]) of the rows of `vectors`: `out[v * tables + t]` is that of vector `v` for table `t`.
    ///
    /// # Panics
    /// If the width of the vectors is not that of `functions`, or `out` does not have `rows * tables` elements.
    pub fn dwta_codes(&self, functions: &Bins, vectors: Matrix, out: &mut [u32]) {
        let Bins { width, tables, .. } = *functions;
        check_shapes("dwta_codes", width, tables, vectors, out.len());
        // SAFETY: a `Kernels` value proves its level; the shapes were checked.
        unsafe { (self.hash.dwta_codes)(functions, vectors, out) }
    }

    /// MinHash codes (see [`Bins`]) of the rows of `vectors`: `out[v * tables + t]` is that of vector `v` for table `t`.
    ///
    /// # Panics
    /// If the width of the vectors is not that of `functions`, or `out` does not have `rows * tables` elements.
    pub fn minhash_codes(&self, functions: &Bins, vectors: Matrix, out: &mut [u32]) {
        let Bins { width, tables, .. } = *functions;
        check_shapes("minhash_codes", width, tables, vectors, out.len());
        // SAFETY: a `Kernels` value proves its level; the shapes were checked.
        unsafe { (self.hash.minhash_codes)(functions, vectors, out) }
    }
}
