//! Dot products of sparse vectors with dense and with sparse ones.

table! {}
