//! Arenas and row tables as safe code sees them; small enough for Miri.

use std::thread;

use slide_mem::{Arena, MemError, NumaPolicy, PagePolicy, Placement, RowTable};

const PLAIN: Placement = Placement { pages: PagePolicy::Small, numa: NumaPolicy::Local };

#[test]
fn slabs_are_zeroed_aligned_and_apart() {
    let bytes = 70 * Arena::bytes_for::<f32>(33).unwrap();
    let arena = Arena::new(bytes, PLAIN).unwrap();
    assert!(arena.capacity_bytes() >= bytes);
    let mut slabs: Vec<_> = (0..70).map(|_| arena.slab::<f32>(33).unwrap()).collect();
    for (number, slab) in slabs.iter_mut().enumerate() {
        assert_eq!(**slab, [0.0; 33]);
        assert!(slab.as_ptr().addr().is_multiple_of(64));
        slab.fill(number as f32);
    }
    for (number, slab) in slabs.iter().enumerate() {
        assert_eq!(**slab, [number as f32; 33]);
    }
}

#[test]
fn elements_of_any_type() {
    #[derive(Clone, Copy, Debug, PartialEq, bytemuck::Pod, bytemuck::Zeroable)]
    #[repr(C, align(128))]
    struct Wide([u8; 128]);
    let arena = Arena::new(3 * Arena::bytes_for::<Wide>(3).unwrap(), PLAIN).unwrap();
    for _ in 0..3 {
        let slab = arena.slab::<Wide>(3).unwrap();
        assert!(slab.as_ptr().addr().is_multiple_of(128));
        assert_eq!(slab[2], Wide([0; 128]));
    }
    assert_eq!(arena.slab::<[u8; 3]>(0).unwrap().len(), 0);
    assert_eq!(arena.slab::<[u64; 0]>(usize::MAX).unwrap().len(), usize::MAX);
}

#[test]
fn slabs_outlive_their_arena_on_any_thread() {
    let arena = Arena::new(1 << 16, PLAIN).unwrap();
    let mut slab = arena.slab::<u32>(100).unwrap();
    let other = arena.slab::<u32>(100).unwrap();
    drop(arena);
    thread::spawn(move || {
        slab[99] = 7;
        assert_eq!(slab[99], 7);
    })
    .join()
    .unwrap();
    assert_eq!(other[99], 0);
}

#[test]
fn slabs_are_cut_by_several_threads() {
    let arena = Arena::new(40 * Arena::bytes_for::<u64>(50).unwrap(), PLAIN).unwrap();
    thread::scope(|scope| {
        for number in 0..4 {
            let arena = &arena;
            scope.spawn(move || {
                let mut slabs: Vec<_> = (0..10).map(|_| arena.slab::<u64>(50).unwrap()).collect();
                slabs.iter_mut().for_each(|slab| slab.fill(number));
                assert!(slabs.iter().all(|slab| **slab == [number; 50]));
            });
        }
    });
}

#[test]
fn a_full_arena_says_what_is_left() {
    let arena = Arena::new(8192, PLAIN).unwrap();
    let error = arena.slab::<u8>(1 << 20).unwrap_err();
    assert!(matches!(error, MemError::ArenaFull { left, capacity, .. } if left == capacity), "{error}");
    assert!(error.to_string().starts_with("a slab of "), "{error}");
    // The failure took nothing.
    assert!(arena.slab::<u8>(4096).is_ok());
}

#[test]
fn sizes_beyond_the_address_space_are_errors() {
    let arena = Arena::new(4096, PLAIN).unwrap();
    for len in [usize::MAX, usize::MAX / 4, isize::MAX as usize / 4 + 1] {
        assert!(matches!(arena.slab::<f32>(len), Err(MemError::TooLarge { .. })), "{len}");
    }
    for (rows, width) in [(usize::MAX, 1), (1, usize::MAX), (1 << 40, 1 << 40), (1 << 61, 3)] {
        let error = RowTable::<f32>::zeroed(rows, width, PLAIN).unwrap_err();
        assert!(matches!(error, MemError::TooLarge { .. }), "{error}");
        assert!(error.to_string().contains(&format!("{rows} rows of {width} elements of 4 bytes")), "{error}");
    }
    assert!(matches!(Arena::new(usize::MAX, PLAIN), Err(MemError::TooLarge { .. })));
}

#[test]
fn rows_start_at_multiples_of_64_bytes() {
    for (width, stride) in [(0, 16), (1, 16), (16, 16), (17, 32), (100, 112), (128, 128)] {
        let mut table = RowTable::<f32>::zeroed(5, width, PLAIN).unwrap();
        assert_eq!((table.rows(), table.width(), table.stride()), (5, width, stride));
        assert_eq!(table.as_slice(), vec![0.0; 5 * stride]);
        for row in 0..5 {
            table.row_mut(row).fill(row as f32 + 1.0);
            assert!(table.row(row).as_ptr().addr().is_multiple_of(64));
        }
        for (row, elements) in table.as_mut_slice().chunks_exact(stride).enumerate() {
            assert_eq!(elements[..width], vec![row as f32 + 1.0; width]);
            assert_eq!(elements[width..], vec![0.0; stride - width]);
        }
    }
    assert_eq!(RowTable::<[u8; 3]>::zeroed(2, 5, PLAIN).unwrap().stride(), 64);
    assert_eq!(RowTable::<u16>::zeroed(2, 33, PLAIN).unwrap().stride(), 64);
    assert_eq!(RowTable::<f32>::zeroed(0, 8, PLAIN).unwrap().as_slice(), []);
}

#[test]
#[should_panic = "row 5 of a table of 5 rows"]
fn a_row_that_is_not_there() {
    RowTable::<f32>::zeroed(5, 0, PLAIN).unwrap().row(5);
}

#[test]
fn owners_write_their_own_rows_at_once() {
    let mut table = RowTable::<u32>::zeroed(10, 3, PLAIN).unwrap();
    let mut shards = table.shards_mut(&[1, 4, 4, 9]);
    assert_eq!(shards.iter().map(|shard| shard.len()).collect::<Vec<_>>(), [48, 0, 80]);
    thread::scope(|scope| {
        for (number, shard) in (1..).zip(&mut shards) {
            scope.spawn(move || shard.chunks_exact_mut(16).for_each(|row| row[2] = number));
        }
    });
    let owners: Vec<u32> = (0..10).map(|row| table.row(row)[2]).collect();
    assert_eq!(owners, [0, 1, 1, 1, 3, 3, 3, 3, 3, 0]);
    assert!(table.shards_mut(&[]).is_empty());
    assert!(table.shards_mut(&[10]).is_empty());
}

#[test]
fn bounds_of_shards_are_checked() {
    for bounds in [&[0, 11][..], &[11], &[4, 3], &[0, 10, 9], &[0, usize::MAX]] {
        let shards =
            std::panic::catch_unwind(|| RowTable::<f32>::zeroed(10, 1, PLAIN).unwrap().shards_mut(bounds).len());
        assert!(shards.is_err(), "{bounds:?}");
    }
}
