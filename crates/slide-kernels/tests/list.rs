//! The list of kernels is that of the tables.

use slide_kernels::list::KERNELS;
use slide_kernels::{Isa, Kernels, Precision, Quirks};

/// `family::name` of each function of a level, and its address; none for the levels of another architecture.
fn functions(isa: Isa, precision: Precision) -> Option<Vec<(String, usize)>> {
    // SAFETY: no kernel is called.
    let kernels = unsafe { Kernels::for_isa_unchecked(isa) }?;
    let mut functions = Vec::new();
    kernels
        .with_precision(precision)
        .with_quirks(Quirks::default())
        .visit_functions(&mut |family, name, address| functions.push((format!("{family}::{name}"), address)));
    Some(functions)
}

#[test]
fn the_list_has_every_kernel_of_the_tables() {
    let listed: Vec<_> = KERNELS.iter().map(|kernel| format!("{}::{}", kernel.family, kernel.name)).collect();
    let there: Vec<_> =
        functions(Isa::Scalar, Precision::Reproducible).unwrap().into_iter().map(|(name, _)| name).collect();
    assert_eq!(listed, there);
}

#[test]
fn the_list_says_which_levels_have_their_own() {
    let mut below: Option<Vec<(String, usize)>> = None;
    for &isa in Isa::ALL {
        let Some(functions) = functions(isa, Precision::Reproducible) else { continue };
        for (i, (name, address)) in functions.iter().enumerate() {
            let own = below.as_ref().is_none_or(|below| below[i].1 != *address);
            let listed = isa == Isa::Scalar || KERNELS[i].levels.contains(&isa);
            assert_eq!(own, listed, "{name} on {isa}: own function, listed");
        }
        below = Some(functions);
    }
}

#[test]
fn the_list_says_which_levels_have_native_ones() {
    // A level inherits the native functions of the level below, of which `sve` is the only one so far.
    for &isa in Isa::ALL.iter().filter(|&&isa| isa != Isa::Sve) {
        let Some(functions) = functions(isa, Precision::Reproducible) else { continue };
        let native = self::functions(isa, Precision::Native).unwrap();
        for (i, ((name, address), (_, native))) in functions.iter().zip(&native).enumerate() {
            assert_eq!(address != native, KERNELS[i].native.contains(&isa), "{name} on {isa}: native, listed");
        }
    }
}
