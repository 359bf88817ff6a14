//! Nothing: a package needs a library or a program. The benchmarks are the files beside this one.
