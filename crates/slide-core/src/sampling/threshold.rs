//! Hard threshold sampling (SLIDE, MLSys 2020, section 3.1).

use super::{Example, Sampler, Scratch, frequency};

pub(super) fn collect(sampler: &Sampler, example: &Example<'_>, scratch: &mut Scratch, out: &mut Vec<u32>) {
    frequency::collect(sampler, example, sampler.min_matches, sampler.ceiling, scratch, out);
}
