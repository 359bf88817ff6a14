//! Quantisation to eight bits, and the integer dot products of what it makes.

table! {}
