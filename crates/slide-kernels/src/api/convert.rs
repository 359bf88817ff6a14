//! Conversions between `f32`, `bf16` and `f16`.

table! {}
