//! Sampling of the most frequent rows (SLIDE, MLSys 2020, section 3.1, "top-K sampling").

use super::{Example, Origins, Sampler, Scratch, frequency};

pub(super) fn collect(sampler: &Sampler, example: &Example<'_>, scratch: &mut Scratch, out: &mut Vec<u32>) -> Origins {
    let at_most = sampler.target.min(sampler.ceiling);
    frequency::collect(sampler, example, 1, at_most, scratch, out)
}
