//! The hash functions of a layer: parameters drawn from the seed, applied by the kernels.

use slide_kernels::hash::{Bins, SimHash};
use slide_kernels::{Kernels, Matrix};

use super::{HashError, HashKind, HashingConfig};

/// One code per table for vectors of `width` coordinates; a pure function of settings, width and seed.
///
/// The families themselves are described at [`SimHash`] and [`Bins`]. WTA compares 8 coordinates a hash, picked from
/// all of them each time; DWTA and MinHash cut permutations of the coordinates into bins of 8.
#[derive(Clone, Debug)]
pub(crate) struct HashFunctions {
    settings: HashingConfig,
    width: usize,
    /// Signs or positions, in the layout of the kernels.
    parameters: Vec<u32>,
}

impl HashFunctions {
    /// Draws the functions.
    ///
    /// # Errors
    /// Impossible settings, or a width below that of a bin or above the limit of the kernels.
    pub(crate) fn new(settings: &HashingConfig, width: usize, seed: u64) -> Result<Self, HashError> {
        settings.validate()?;
        let &HashingConfig { hash: kind, tables, .. } = settings;
        let values = settings.hashes_per_code();
        let bin_bits = kind.bits_per_hash() as usize;
        if kind != HashKind::SimHash && width < 1 << bin_bits {
            return Err(HashError::Width { kind, found: width, expected: 1 << bin_bits });
        }
        let mut permutation = vec![0; width];
        let parameters = match kind {
            HashKind::SimHash => {
                let mut signs = vec![0; SimHash::signs_len(width, values, tables)?];
                SimHash::draw_signs(seed, &mut signs);
                signs
            }
            HashKind::Wta => {
                let mut positions = vec![0; Bins::positions_len(width, bin_bits, values, tables)?];
                Bins::draw_separate(seed, bin_bits, &mut permutation, &mut positions)?;
                positions
            }
            HashKind::Dwta | HashKind::MinHash => {
                let mut positions = vec![0; Bins::positions_len(width, bin_bits, values, tables)?];
                Bins::draw_shared(seed, bin_bits, &mut permutation, &mut positions)?;
                positions
            }
        };
        Ok(Self { settings: settings.clone(), width, parameters })
    }

    /// Writes the codes of the rows of `vectors` to `out`, `[vectors][tables]`.
    ///
    /// # Panics
    /// If the vectors have another width than the functions, or `out` another length.
    pub(crate) fn codes(&self, kernels: &Kernels, vectors: Matrix<'_>, out: &mut [u32]) {
        match self.settings.hash {
            HashKind::SimHash => kernels.simhash_codes(&self.signs(), vectors, out),
            HashKind::Wta => kernels.wta_codes(&self.bins(), vectors, out),
            HashKind::Dwta => kernels.dwta_codes(&self.bins(), vectors, out),
            HashKind::MinHash => kernels.minhash_codes(&self.bins(), vectors, out),
        }
    }

    fn signs(&self) -> SimHash<'_> {
        SimHash::new(self.width, self.settings.hashes_per_code(), self.settings.tables, &self.parameters)
            .expect("`new` has checked the settings and drawn the signs")
    }

    fn bins(&self) -> Bins<'_> {
        let bin_bits = self.settings.hash.bits_per_hash() as usize;
        Bins::new(self.width, bin_bits, self.settings.hashes_per_code(), self.settings.tables, &self.parameters)
            .expect("`new` has checked the settings and drawn the positions")
    }
}
