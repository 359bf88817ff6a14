//! Sorting of many small numbers, without comparisons.

/// Fewer are sorted by comparisons.
const FEW: usize = 48;

/// Sorts by the lowest `bits` bits of the keys; `spare` is a buffer. Equal keys may change places where there are few of them.
pub(crate) fn sort<T: Copy + Default>(items: &mut Vec<T>, spare: &mut Vec<T>, bits: u32, key: impl Fn(T) -> u32) {
    if items.len() < FEW {
        items.sort_unstable_by_key(|&item| key(item));
        return;
    }
    spare.clear();
    spare.resize(items.len(), T::default());
    for shift in (0..bits).step_by(8) {
        let digit = |item: T| (key(item) >> shift) as u8 as usize;
        let mut places = [0_u32; 256];
        for &item in &*items {
            places[digit(item)] += 1;
        }
        let mut sum = 0;
        for place in &mut places {
            sum += std::mem::replace(place, sum);
        }
        for &item in &*items {
            let place = &mut places[digit(item)];
            spare[*place as usize] = item;
            *place += 1;
        }
        std::mem::swap(items, spare);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_sorted() {
        for count in [0, 1, 47, 48, 1000] {
            let mut items: Vec<u32> = (0..count).map(|i: u32| i.wrapping_mul(2_654_435_761) >> 9).collect();
            let mut expected = items.clone();
            expected.sort_unstable();
            sort(&mut items, &mut Vec::new(), 23, |item| item);
            assert_eq!(items, expected);
        }
    }
}
