//! The active sets of a batch transposed: from the rows of each sample to the samples of each row.

table! {}
