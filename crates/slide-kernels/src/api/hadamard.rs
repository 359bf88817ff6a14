//! The fast Walsh-Hadamard transform.

table! {}
