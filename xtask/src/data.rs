//! Rebuilds the data sets that the repository ships, and makes those that it cannot.

pub(crate) mod debian;
pub(crate) mod synth;

mod bag_of_words;
mod package_index;
mod xmc;
