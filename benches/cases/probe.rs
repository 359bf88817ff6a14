use super::{Case, Cost, bits, checked};
use crate::random::Random;

pub(super) fn cases() -> Vec<Case> {
    let mut random = Random(1);
    let n = 1024;
    let words: Vec<u32> = (0..n).map(|_| random.word() as u32).collect();
    let cost = |bytes, operations| Cost { elements: n as u64, bytes, operations };
    vec![
        Case::new(
            "probe::multiply_adds",
            "1024 rounds",
            cost(0, 0),
            (0.0, 0),
            |kernels, out| *out = kernels.probe_multiply_adds(1024),
            |out| bits(&[out.0]),
        ),
        Case::new(
            "probe::divisions",
            "1024 rounds",
            cost(0, 0),
            (0.0, 0),
            |kernels, out| *out = kernels.probe_divisions(1024),
            |out| bits(&[out.0]),
        ),
        Case::new(
            "probe::read",
            "u32 1024",
            cost(4 * n as u64, 0),
            (words, 0),
            |kernels, (words, sum)| *sum = kernels.probe_read(words),
            |(_, sum)| vec![*sum],
        ),
        Case::new(
            "probe::read_rows",
            "u32 128 rows of 128",
            Cost { elements: 128 * 128, bytes: 4 * 128 * 128, operations: 0 },
            (random.values(128 * 128), checked(random.ascending(128, 128), 128), 0),
            |kernels, (values, rows, sum)| {
                *sum = kernels.probe_read_rows(bytemuck::cast_slice(values), 128, 128, *rows);
            },
            |(.., sum)| vec![*sum],
        ),
        Case::new(
            "probe::update",
            "f32 1024",
            cost(24 * n as u64, 0),
            [random.values(n), random.values(n), random.values(n)],
            |kernels, [a, b, c]| kernels.probe_update(a, b, c, -1.0),
            |slices| slices.iter().flat_map(|slice| bits(slice)).collect(),
        ),
    ]
}
