//! Sampling of the most frequent rows (SLIDE, MLSys 2020, section 3.1, "top-K sampling").

use super::{Sample, Sampler, Scratch, frequency};

pub(super) fn collect(sampler: &Sampler, sample: &Sample<'_>, scratch: &mut Scratch, out: &mut Vec<u32>) {
    let at_most = sampler.target.min(sampler.ceiling);
    frequency::collect(sampler, sample, 1, at_most, scratch, out);
}
