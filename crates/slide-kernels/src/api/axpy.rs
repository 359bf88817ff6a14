//! A multiple of one vector added to another.

table! {}
