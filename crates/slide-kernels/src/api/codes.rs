//! Hash codes as bits: packed into bucket numbers, and compared.

table! {}
