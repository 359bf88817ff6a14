//! Hard threshold sampling (SLIDE, MLSys 2020, section 3.1).

use super::{Sample, Sampler, Scratch, frequency};

pub(super) fn collect(sampler: &Sampler, sample: &Sample<'_>, scratch: &mut Scratch, out: &mut Vec<u32>) {
    frequency::collect(sampler, sample, sampler.min_matches, sampler.ceiling, scratch, out);
}
