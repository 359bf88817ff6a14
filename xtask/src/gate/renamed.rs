//! Kernels and cases that were renamed, so that the gate compares them across the commit that did it.
//!
//! An entry may be deleted when no gate has a base any more that is older than the rename. All present entries were made
//! right after commit 51502dd, before version 0.1.0 was published: delete them after that version.

use super::builds::Cases;

/// Families: old and new name.
const FAMILIES: &[(&str, &str)] = &[("active", "sddmm"), ("counting_sort", "csr_to_csc")];

/// Parts of the names of shapes: old and new.
const SHAPES: &[(&str, &str)] = &[(" samples x ", " examples x ")];

/// How a build with these cases calls the case that is now called `kernel` (`family::name`) and `shape`: as now, or by its
/// old name. None if it has no such case.
pub(super) fn name_in(cases: &Cases, kernel: &str, shape: &str) -> Option<(String, String)> {
    let now = (kernel.to_owned(), shape.to_owned());
    [now, before(kernel, shape)].into_iter().find(|name| cases.contains(name))
}

fn before(kernel: &str, shape: &str) -> (String, String) {
    let (family, name) = kernel.split_once("::").unwrap_or((kernel, ""));
    let family = FAMILIES.iter().find(|(_, new)| *new == family).map_or(family, |(old, _)| old);
    let shape = SHAPES.iter().fold(shape.to_owned(), |shape, (old, new)| shape.replace(new, old));
    (format!("{family}::{name}"), shape)
}

#[cfg(test)]
mod tests {
    use slide_benches::cases;

    use super::*;

    #[test]
    fn a_renamed_case_is_found_in_an_old_build_and_in_a_new_one() {
        let case = |kernel: &str, shape: &str| (kernel.to_owned(), shape.to_owned());
        let old =
            Cases::from([case("active::forward", "f32, 2 rows"), case("gemm::forward", "f32, 64 samples x 2 rows")]);
        let new =
            Cases::from([case("sddmm::forward", "f32, 2 rows"), case("gemm::forward", "f32, 64 examples x 2 rows")]);
        for (kernel, shape) in &new {
            assert!(old.contains(&name_in(&old, kernel, shape).unwrap()), "{kernel} {shape}");
            assert_eq!(name_in(&new, kernel, shape), Some(case(kernel, shape)));
        }
        assert_eq!(name_in(&old, "dot::dot", "f32, 2 rows"), None);
    }

    #[test]
    fn the_new_names_exist() {
        for (old, new) in FAMILIES {
            let has = |family: &str| cases::all().iter().any(|case| case.kernel.split("::").next() == Some(family));
            assert!(has(new) && !has(old), "{old} -> {new}");
        }
        for (old, new) in SHAPES {
            let has = |part: &str| cases::all().iter().any(|case| case.shape.contains(part));
            assert!(has(new) && !has(old), "{old} -> {new}");
        }
    }
}
