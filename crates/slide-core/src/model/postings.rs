//! The tensors of the sparse linear part: lists as they lie in memory, which can be mapped, or lists of bytes, which are smaller where
//! weights are integers, and which all files up to format 4 have.

use std::collections::BTreeMap;

use half::f16;
use safetensors::Dtype;
use slide_mem::{Arena, Elements, Placement};

use super::ModelError;
use super::format::{Reader, Tensor};
use crate::layer::partition::Partition;
use crate::linear::{BLOCK, Labels, Postings};

/// A label that cannot be read in the list of a feature.
const WRONG_LABELS: &str = "`linear.label` with ascending labels of the model";

/// Whether the lists of a model are stored as they lie in memory.
pub(super) fn can_be_mapped(linear: &Postings) -> bool {
    linear.scales().is_none()
}

/// Adds the tensors of `linear`: lists in the order of the features in files.
pub(super) fn add_tensors<'a>(linear: &'a Postings, tensors: &mut BTreeMap<String, Tensor<'a>>) {
    if !can_be_mapped(linear) {
        return add_bytes(linear, tensors);
    }
    let mut add = |name: &str, dtype, length, rows: Box<dyn Fn() -> Vec<u8> + 'a>| {
        tensors.insert(format!("linear.{name}"), Tensor { dtype, shape: vec![length], rows });
    };
    let labels = linear.labels();
    add("bias", Dtype::F32, labels.count(), Box::new(|| labels.biases().flat_map(f32::to_le_bytes).collect()));
    add("order", Dtype::U32, labels.count(), Box::new(|| bytemuck::cast_slice(labels.order()).to_vec()));
    add("rank", Dtype::U32, labels.count(), Box::new(|| bytemuck::cast_slice(labels.ranked()).to_vec()));
    let starts = move || {
        let mut end = 0;
        let ends = linear.ranges().map(|list| {
            end += list.len() as u64;
            end
        });
        std::iter::once(0).chain(ends).flat_map(u64::to_le_bytes).collect()
    };
    add("start", Dtype::U64, linear.features() * linear.blocks() + 1, Box::new(starts));
    let entries = move || {
        let mut bytes = Vec::with_capacity(4 * linear.weights());
        linear.ranges().for_each(|list| bytes.extend_from_slice(bytemuck::cast_slice(linear.raw_entries(list))));
        bytes
    };
    add("entry", Dtype::U16, 2 * linear.weights(), Box::new(entries));
}

/// The same as lists of bytes.
fn add_bytes<'a>(linear: &'a Postings, tensors: &mut BTreeMap<String, Tensor<'a>>) {
    let partition = *linear.partition();
    let lists =
        move || (0..linear.features() as u32).map(move |feature| linear.list(partition.to_internal(feature) as usize));
    let mut labels = Vec::new();
    for list in lists() {
        let mut before = 0;
        for (label, _) in list {
            push_number(label - before, &mut labels);
            before = label;
        }
    }
    let counts = move || lists().flat_map(|list| (list.count() as u32).to_le_bytes()).collect();
    let biases = move || linear.labels().biases().flat_map(f32::to_le_bytes).collect();
    let mut add = |name: &str, dtype, length, rows: Box<dyn Fn() -> Vec<u8> + 'a>| {
        tensors.insert(format!("linear.{name}"), Tensor { dtype, shape: vec![length], rows });
    };
    add("bias", Dtype::F32, linear.labels().count(), Box::new(biases));
    add("count", Dtype::U32, linear.features(), Box::new(counts));
    add("label", Dtype::U8, labels.len(), Box::new(move || labels.clone()));
    if let Some(scales) = linear.scales() {
        let scale_of = move |feature: u32| scales[partition.to_internal(feature) as usize];
        let integers = move || {
            let lists = (0..).zip(lists());
            lists
                .flat_map(|(feature, list)| list.map(move |(_, weight)| integer(weight, scale_of(feature)) as u8))
                .collect()
        };
        let scales =
            move || (0..linear.features() as u32).flat_map(|feature| scale_of(feature).to_le_bytes()).collect();
        add("scale", Dtype::F32, linear.features(), Box::new(scales));
        add("weight", Dtype::I8, linear.weights(), Box::new(integers));
    }
}

fn words(bytes: &[u8]) -> Vec<u32> {
    bytes.as_chunks::<4>().0.iter().map(|&word| u32::from_le_bytes(word)).collect()
}

/// Reads them. Lists that are mapped are not looked at.
pub(super) fn read(
    reader: &Reader<'_>,
    features: Partition,
    labels: usize,
    placement: &Placement,
) -> Result<Postings, ModelError> {
    let biases = words(reader.typed("linear.bias", &[labels], Dtype::F32)?);
    let biases: Vec<f32> = biases.into_iter().map(f32::from_bits).collect();
    if !reader.has("linear.start") {
        return read_bytes(reader, features, &biases, placement);
    }
    let number = |name| Ok::<_, ModelError>(words(reader.typed(name, &[labels], Dtype::U32)?));
    let labels = Labels::stored(&biases, &number("linear.order")?, &number("linear.rank")?);
    let labels = labels.ok_or_else(|| reader.foreign("`linear.order` and `linear.rank` of all labels", "others"))?;
    let blocks = labels.count().div_ceil(BLOCK);
    let starts = reader.typed("linear.start", &[features.rows() * blocks + 1], Dtype::U64)?;
    let entries = reader.vector_of("linear.entry", Dtype::U16)?;
    if let (Some(starts), Some(entries)) = (reader.mapped(starts), reader.mapped(entries)) {
        let (first, end) = (starts[0], starts[starts.len() - 1]);
        if (first, 2 * u128::from(end)) != (0, entries.len() as u128) {
            return Err(reader.foreign(wrong_starts(entries.len()), format!("{first} to {end}")));
        }
        return Ok(Postings::stored(features, labels, Elements::File(starts), Elements::File(entries), None));
    }
    let starts: Vec<u64> = starts.as_chunks::<8>().0.iter().map(|&start| u64::from_le_bytes(start)).collect();
    let weights = entries.len() / 4;
    if !starts.is_sorted()
        || starts[0] != 0
        || starts.last().is_none_or(|&end| 4 * u128::from(end) != entries.len() as u128)
    {
        return Err(reader.foreign(wrong_starts(entries.len() / 2), "others"));
    }
    let bytes = Arena::bytes_for::<u64>(starts.len())? + Arena::bytes_for::<u16>(2 * weights)?;
    let arena = Arena::new(bytes, *placement)?;
    let (mut own_starts, mut own_entries) = (arena.slab::<u64>(starts.len())?, arena.slab::<u16>(2 * weights)?);
    let mut at = 0;
    for row in 0..features.rows() {
        let feature = features.to_logical(row as u32) as usize;
        for block in 0..blocks {
            let list = starts[feature * blocks + block] as usize..starts[feature * blocks + block + 1] as usize;
            let own = &mut own_entries[2 * at..2 * (at + list.len())];
            bytemuck::cast_slice_mut(own).copy_from_slice(&entries[4 * list.start..4 * list.end]);
            let places = &own[..list.len()];
            let is_in_block = |&place: &u16| block * BLOCK + usize::from(place) < labels.count();
            if !places.is_sorted_by(|a, b| a < b) || !places.last().is_none_or(is_in_block) {
                let expected = "`linear.entry` with ascending places of labels";
                return Err(reader.foreign(expected, format!("others in the list of feature {feature}")));
            }
            at += list.len();
            own_starts[row * blocks + block + 1] = at as u64;
        }
    }
    Ok(Postings::stored(features, labels, Elements::Slab(own_starts), Elements::Slab(own_entries), Some(arena)))
}

fn wrong_starts(entries: usize) -> String {
    format!("`linear.start` ascending from 0 to half of the {entries} elements of `linear.entry`")
}

/// Reads lists of bytes.
fn read_bytes(
    reader: &Reader<'_>,
    partition: Partition,
    biases: &[f32],
    placement: &Placement,
) -> Result<Postings, ModelError> {
    let (features, labels) = (partition.rows(), biases.len());
    let counts = words(reader.typed("linear.count", &[features], Dtype::U32)?);
    let scales = match reader.dtype("linear.weight")? {
        Dtype::I8 => Some(words(reader.typed("linear.scale", &[features], Dtype::F32)?)),
        _ => None,
    };
    let scales = scales.map(|scales| scales.into_iter().map(f32::from_bits).collect::<Vec<_>>());
    let weights: Vec<f16> = match &scales {
        None => {
            let halves = reader.vector_of("linear.weight", Dtype::F16)?.as_chunks::<2>().0;
            halves.iter().map(|&half| f16::from_le_bytes(half)).collect()
        }
        Some(scales) => {
            let bytes = reader.vector_of("linear.weight", Dtype::I8)?;
            let scales = (scales.iter().zip(&counts)).flat_map(|(&scale, &count)| (0..count).map(move |_| scale));
            bytes.iter().zip(scales).map(|(&byte, scale)| weight(byte as i8, scale)).collect()
        }
    };
    // Fewer than there are integers, if there are too few scales.
    let stored = reader.length("linear.weight")?;
    let total: u64 = counts.iter().map(|&count| u64::from(count)).sum();
    if total != stored as u64 {
        return Err(reader.foreign(format!("{total} elements of `linear.weight`"), stored.to_string()));
    }
    let mut bytes = reader.vector_of("linear.label", Dtype::U8)?;
    let mut decoded = Vec::with_capacity(weights.len());
    for (feature, &count) in counts.iter().enumerate() {
        let mut before = None;
        for _ in 0..count {
            let gap = next_number(&mut bytes);
            let label = gap.and_then(|gap| before.unwrap_or(0_u32).checked_add(gap));
            let label = label.filter(|&label| (label as usize) < labels && before.is_none_or(|before| before < label));
            let Some(label) = label else {
                return Err(reader.foreign(WRONG_LABELS, format!("others in the list of feature {feature}")));
            };
            decoded.push(label);
            before = Some(label);
        }
    }
    if !bytes.is_empty() {
        return Err(reader.foreign(WRONG_LABELS, format!("{} bytes behind the last list", bytes.len())));
    }
    let linear = Postings::from_lists(partition, biases, placement, |visit| {
        let mut at = 0;
        for (feature, &count) in counts.iter().enumerate() {
            let row = partition.to_internal(feature as u32);
            for _ in 0..count {
                visit(row, decoded[at], weights[at]);
                at += 1;
            }
        }
    })?;
    let Some(scales) = scales else { return Ok(linear) };
    Ok(linear.with_scales((0..features).map(|row| scales[partition.to_logical(row as u32) as usize]).collect()))
}

/// The weight that an integer stands for.
fn weight(integer: i8, scale: f32) -> f16 {
    f16::from_f32(f32::from(integer) * scale)
}

/// The integer of a weight: not a quotient that is rounded to f16 with the weight, so it is the one that the weight was made of.
fn integer(weight: f16, scale: f32) -> i8 {
    (weight.to_f32() / scale).round_ties_even() as i8
}

/// Seven bits a byte, the lowest first; the eighth says that another follows (LEB128).
fn push_number(mut number: u32, bytes: &mut Vec<u8>) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

/// Takes a number from the front; none if the bytes end or say more than 32 bits.
fn next_number(bytes: &mut &[u8]) -> Option<u32> {
    let mut number = 0_u32;
    for shift in (0..32).step_by(7) {
        let byte = *bytes.split_off_first()?;
        let part = u32::from(byte & 0x7f);
        number |= part.checked_shl(shift).filter(|shifted| shifted >> shift == part)?;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_again() {
        let numbers = [0, 1, 127, 128, 16_383, 16_384, 1 << 28, u32::MAX];
        let mut bytes = Vec::new();
        numbers.iter().for_each(|&number| push_number(number, &mut bytes));
        let mut rest = &bytes[..];
        assert_eq!(numbers.map(|_| next_number(&mut rest).unwrap()), numbers);
        assert_eq!((rest, next_number(&mut rest)), (&[][..], None));
        for wrong in [&[0x80][..], &[0xff; 5], &[0x80, 0x80, 0x80, 0x80, 0x10], &[0x80, 0x80, 0x80, 0x80, 0x80, 0x01]] {
            let mut rest = wrong;
            assert_eq!(next_number(&mut rest), None, "{wrong:?}");
        }
    }
}
