//! Hash codes of sparse vectors by bins of coordinates.

use crate::api::hash::{Bins, HashError};
use crate::{Kernels, RowIds};

table! {
    /// Safety: the level is available; the shapes fit.
    wta_codes_sparse: unsafe fn(&BinPlaces<'_>, RowIds<'_>, &[f32], &mut [u32]),
    /// Safety: the level is available; the shapes fit.
    dwta_codes_sparse: unsafe fn(&BinPlaces<'_>, RowIds<'_>, &[f32], &mut [u32]),
    /// Safety: the level is available; the shapes fit.
    minhash_codes_sparse: unsafe fn(&BinPlaces<'_>, RowIds<'_>, &[f32], &mut [u32]),
}

/// The inverse of [`Bins`]: for each coordinate the bins that contain it. With it the cost of a sparse vector is proportional to
/// its number of values, plus a pass over the bins.
#[derive(Clone, Copy, Debug)]
pub struct BinPlaces<'a> {
    bins: Bins<'a>,
    starts: &'a [u32],
    places: &'a [u32],
}

impl<'a> BinPlaces<'a> {
    /// The lengths of `starts` and `places`.
    pub fn lengths(bins: &Bins<'_>) -> (usize, usize) {
        (bins.width() + 1, bins.bins() << bins.bin_bits())
    }

    /// Writes `starts` and `places`: for each coordinate the start of its list, and the lists.
    ///
    /// # Errors
    /// If these do not have the [`lengths`](Self::lengths), or a bin contains a coordinate that is not below the width (bins
    /// drawn by [`Bins`] do not).
    pub fn fill(bins: &Bins<'_>, starts: &mut [u32], places: &mut [u32]) -> Result<(), HashError> {
        Self::check_lengths(bins, starts, places)?;
        // A counting sort: how many places each coordinate has, where they end, and from there backwards.
        starts.fill(0);
        let all = (0..bins.bins()).flat_map(|bin| (0..1 << bins.bin_bits()).map(move |position| (bin, position)));
        for (bin, position) in all.clone() {
            let coordinate = bins.coordinate(bin, position);
            let count = starts[..bins.width()].get_mut(coordinate).ok_or(HashError::Position { bin, coordinate })?;
            *count += 1;
        }
        let mut sum = 0;
        for start in starts.iter_mut() {
            sum += *start;
            *start = sum;
        }
        for (bin, position) in all.rev() {
            let start = &mut starts[bins.coordinate(bin, position)];
            *start -= 1;
            places[*start as usize] = (bin << bins.bin_bits() | position) as u32;
        }
        Ok(())
    }

    /// The lists that [`fill`](Self::fill) wrote for the same bins. Only checks the lengths: with other content of `starts` and
    /// `places` the codes are wrong, or the kernels panic.
    ///
    /// # Errors
    /// If `starts` and `places` do not have the [`lengths`](Self::lengths).
    pub fn new(bins: Bins<'a>, starts: &'a [u32], places: &'a [u32]) -> Result<Self, HashError> {
        Self::check_lengths(&bins, starts, places)?;
        Ok(BinPlaces { bins, starts, places })
    }

    fn check_lengths(bins: &Bins<'_>, starts: &[u32], places: &[u32]) -> Result<(), HashError> {
        let lengths = Self::lengths(bins);
        for (what, found, expected) in [("starts", starts.len(), lengths.0), ("places", places.len(), lengths.1)] {
            if found != expected {
                return Err(HashError::Length { what, found, expected });
            }
        }
        Ok(())
    }

    /// The bins.
    pub fn bins(&self) -> &Bins<'a> {
        &self.bins
    }

    /// The bins that contain a coordinate, ascending, and its position in each.
    ///
    /// # Panics
    /// If the coordinate is not below the width.
    pub fn places(&self, coordinate: usize) -> impl Iterator<Item = (usize, usize)> + use<'a> {
        let (start, end) = (self.starts[coordinate], self.starts[coordinate + 1]);
        let bin_bits = self.bins.bin_bits();
        self.places[start as usize..end as usize]
            .iter()
            .map(move |&place| (place as usize >> bin_bits, place as usize & ((1 << bin_bits) - 1)))
    }
}

/// Panics unless the shapes fit: ids that ascend, below the width, a value for each; a code for each table.
fn check_shapes(kernel: &str, functions: &BinPlaces<'_>, ids: RowIds<'_>, values: usize, codes: usize) {
    assert!(
        ids.bound() <= functions.bins.width(),
        "{kernel}: ids were checked against more coordinates than the functions have"
    );
    assert!(ids.is_ascending(), "{kernel}: the ids do not ascend");
    assert_eq!(values, ids.len(), "{kernel}: ids and values differ in length");
    assert_eq!(codes, functions.bins.tables(), "{kernel}: out does not have one code per table");
}

impl Kernels {
    /// WTA codes (see [`Bins`]) of a sparse vector: those that [`wta_codes`](Kernels::wta_codes) gives to the dense one, with
    /// `values[j]` at coordinate `ids[j]` and zeros elsewhere. `out[t]` is the code for table `t`.
    ///
    /// Bins whose largest listed value is not positive are evaluated again, position by position.
    ///
    /// # Panics
    /// Unless the ids ascend strictly, `ids.bound()` is at most the width, `values.len() == ids.len()` and `out` has one code
    /// per table.
    pub fn wta_codes_sparse(&self, functions: &BinPlaces<'_>, ids: RowIds<'_>, values: &[f32], out: &mut [u32]) {
        check_shapes("wta_codes_sparse", functions, ids, values.len(), out.len());
        // SAFETY: a `Kernels` value proves its level; the shapes were checked.
        unsafe { (self.sparse_hash.wta_codes_sparse)(functions, ids, values, out) }
    }

    /// DWTA codes (see [`Bins`]) of a sparse vector: those that [`dwta_codes`](Kernels::dwta_codes) gives to the dense one, with
    /// `values[j]` at coordinate `ids[j]` and zeros elsewhere. `out[t]` is the code for table `t`.
    ///
    /// # Panics
    /// Unless the ids ascend strictly, `ids.bound()` is at most the width, `values.len() == ids.len()` and `out` has one code
    /// per table.
    pub fn dwta_codes_sparse(&self, functions: &BinPlaces<'_>, ids: RowIds<'_>, values: &[f32], out: &mut [u32]) {
        check_shapes("dwta_codes_sparse", functions, ids, values.len(), out.len());
        // SAFETY: a `Kernels` value proves its level; the shapes were checked.
        unsafe { (self.sparse_hash.dwta_codes_sparse)(functions, ids, values, out) }
    }

    /// MinHash codes (see [`Bins`]) of a set, the ids whose value is positive: those that
    /// [`minhash_codes`](Kernels::minhash_codes) gives to the dense vector, with zeros elsewhere. `out[t]` is the code for table
    /// `t`.
    ///
    /// # Panics
    /// Unless the ids ascend strictly, `ids.bound()` is at most the width, `values.len() == ids.len()` and `out` has one code
    /// per table.
    pub fn minhash_codes_sparse(&self, functions: &BinPlaces<'_>, ids: RowIds<'_>, values: &[f32], out: &mut [u32]) {
        check_shapes("minhash_codes_sparse", functions, ids, values.len(), out.len());
        // SAFETY: a `Kernels` value proves its level; the shapes were checked.
        unsafe { (self.sparse_hash.minhash_codes_sparse)(functions, ids, values, out) }
    }
}
