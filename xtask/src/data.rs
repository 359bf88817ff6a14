//! Rebuilds the data sets that the repository ships.

pub(crate) mod debian;

mod bag_of_words;
mod package_index;
mod xmc;
