//! Names of levels, and what is known of processors.

use slide_kernels::{Isa, IsaError, Quirks};

#[test]
fn names_round_trip() {
    for &isa in Isa::ALL {
        assert_eq!(isa.name().parse(), Ok(isa));
    }
    assert_eq!("AVX2".parse::<Isa>(), Err(IsaError::Unknown));
}

#[test]
fn errors_list_what_is_available() {
    let message = "mmx".parse::<Isa>().unwrap_err().to_string();
    assert!(message.contains("scalar"), "{message}");
}

#[test]
fn quirks_of_processors_are_known() {
    let (intel, amd) = (b"GenuineIntel", b"AuthenticAMD");
    for (vendor, signature, slow_gather, slow_bf16_pairs, name) in [
        (intel, 0x0003_06C3, true, true, "Haswell"),
        (intel, 0x0005_0654, true, true, "Skylake-X"),
        (intel, 0x0006_06A6, true, true, "Ice Lake-SP"),
        (intel, 0x0009_0672, false, true, "Alder Lake"),
        (intel, 0x0008_06F8, false, true, "Sapphire Rapids"),
        (amd, 0x0083_0F10, true, false, "Zen 2"),
        (amd, 0x00A6_0F12, true, false, "Zen 4"),
        (&[0; 12], 0, false, false, "another"),
    ] {
        let quirks = Quirks::default().with_slow_gather(slow_gather).with_slow_bf16_pairs(slow_bf16_pairs);
        assert_eq!(Quirks::of_x86(vendor, signature), quirks, "{name}");
    }
}
