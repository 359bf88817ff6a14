//! The bare loops give the same on every instruction set: they are only a limit if they do their work.

mod support;

use slide_kernels::RowIds;
use support::{Random, assert_same, others, scalar};

#[test]
fn chains_count_their_steps() {
    for kernels in others() {
        for rounds in [0, 1, 2, 77] {
            let (expected, found) = (scalar().probe_multiply_adds(rounds), kernels.probe_multiply_adds(rounds));
            assert_same("probe_multiply_adds", kernels, &[expected.0], &[found.0]);
            assert!(found.1 >= 2 * 16 * rounds as u64 && found.1.is_multiple_of(2 * 16), "{} operations", found.1);
            let (expected, found) = (scalar().probe_divisions(rounds), kernels.probe_divisions(rounds));
            assert_same("probe_divisions", kernels, &[expected.0], &[found.0]);
            assert!(found.1 >= 16 * rounds as u64 && found.1.is_multiple_of(16), "{} pairs", found.1);
        }
    }
}

#[test]
fn scattered_rows_are_all_read() {
    let mut random = Random::new(2);
    for kernels in others() {
        for width in 0..70 {
            let (stride, rows) = (width + 1 + random.below(5), 1 + random.below(40));
            let (words, ids) = (random.ids(stride * rows, 1 << 30), random.ids(50, rows));
            let rows = RowIds::new(&ids, rows).unwrap();
            let expected = scalar().probe_read_rows(&words, stride, width, rows);
            assert_eq!(kernels.probe_read_rows(&words, stride, width, rows), expected, "on {}", kernels.isa());
        }
    }
}

#[test]
fn streams_visit_every_element() {
    let mut random = Random::new(1);
    random.special = 20;
    for kernels in others() {
        for length in 0..200 {
            let ids = random.ids(length, 1 << 30);
            assert_eq!(kernels.probe_read(&ids), scalar().probe_read(&ids), "{length} words on {}", kernels.isa());
            let (mut a, mut b, mut c) = (random.values(length), random.values(length), random.values(length));
            let (mut x, mut y, mut z) = (a.clone(), b.clone(), c.clone());
            scalar().probe_update(&mut a, &mut b, &mut c, 0.75);
            kernels.probe_update(&mut x, &mut y, &mut z, 0.75);
            for (expected, found) in [(&a, &x), (&b, &y), (&c, &z)] {
                assert_same("probe_update", kernels, expected, found);
            }
        }
    }
}
