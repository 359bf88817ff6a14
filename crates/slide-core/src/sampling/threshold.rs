//! Hard threshold sampling (SLIDE, MLSys 2020, section 3.1).

use super::{Example, Origins, Sampler, Scratch, frequency};

pub(super) fn collect(sampler: &Sampler, example: &Example<'_>, scratch: &mut Scratch, out: &mut Vec<u32>) -> Origins {
    frequency::collect(sampler, example, sampler.min_matches, sampler.ceiling, scratch, out)
}
