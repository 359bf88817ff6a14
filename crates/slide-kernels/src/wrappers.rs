//! Macros shared by all back ends.

/// Defines the functions of a family for one instruction set, and their table.
///
/// Each is a thin `#[target_feature]` wrapper into which the generic body is inlined. The safety contract of every
/// one is that of the field of the table: the features are available, and the checks of the public method hold.
macro_rules! wrappers {
    ($features:literal, $table:ident {
        $($(#[$attribute:meta])* fn $name:ident($($argument:ident: $type:ty),* $(,)?) $(-> $result:ty)? = $body:expr;)*
    }) => {
        wrappers! {
            $features, $table { $($(#[$attribute])* fn $name($($argument: $type),*) $(-> $result)? = $body;)* }
            const TABLE: $table = $table { $($name),* };
        }
    };
    // For a level that has only some functions of the family: the table is given explicitly.
    ($features:literal, $table:ident {
        $($(#[$attribute:meta])* fn $name:ident($($argument:ident: $type:ty),* $(,)?) $(-> $result:ty)? = $body:expr;)*
    }
        const $constant:ident: $of:ty = $value:expr;
    ) => {
        pub(crate) const $constant: $of = $value;
        $(
            $(#[$attribute])*
            #[target_feature(enable = $features)]
            unsafe fn $name($($argument: $type),*) $(-> $result)? {
                // SAFETY: the contract of the field of the table, which is that of the body.
                unsafe { $body($($argument),*) }
            }
        )*
    };
}

/// Defines the tile functions of a back end and their lists `TILES`, of 1, 2, ... vectors.
macro_rules! tile_lists {
    ($features:literal, $([$most:literal $($rows:literal)*] x $vectors:literal),*) => {
        const TILES: generic::gemm::Tiles = &[$(generic::tile::TileList {
            functions: &[($most, tile::<f32, $most, $vectors, false>), $(($rows, tile::<f32, $rows, $vectors, false>)),*],
            packing: Some(generic::tile::PackingTiles {
                of_f32: tile::<f32, $most, $vectors, true>,
                of_bf16: tile::<half::bf16, $most, $vectors, true>,
            }),
        }),*];

        /// # Safety
        /// The contract of [`generic::tile::TileFunction`].
        #[target_feature(enable = $features)]
        unsafe fn tile<S: generic::Storage, const ROWS: usize, const VECTORS: usize, const PACKING: bool>(tile: &Tile) {
            // SAFETY: the level of the table that lists this function has the features; whoever made the tile vouches
            // for its pointers.
            unsafe { work::<F32x16, generic::tile::Singles, S, ROWS, VECTORS, PACKING>(tile) }
        }
    };
}

/// The same for products that do not pack while they multiply; `$multiply` is their [`Multiply`](crate::generic::tile::Multiply).
#[cfg(target_arch = "x86_64")]
macro_rules! row_tile_lists {
    ($features:literal, $multiply:ty, $([$($rows:literal)*] x $vectors:literal),*) => {
        const TILES: crate::generic::gemm::Tiles = &[$(crate::generic::tile::TileList {
            functions: &[$(($rows, tile::<$rows, $vectors> as crate::generic::tile::TileFunction)),*],
            packing: None,
        }),*];

        /// # Safety
        /// The contract of [`crate::generic::tile::TileFunction`].
        #[target_feature(enable = $features)]
        unsafe fn tile<const ROWS: usize, const VECTORS: usize>(tile: &crate::generic::tile::Tile) {
            // SAFETY: the level of the table that lists this function has the features; whoever made the tile vouches
            // for its pointers.
            unsafe { crate::generic::tile::work::<F32x16, $multiply, f32, ROWS, VECTORS, false>(tile) }
        }
    };
}
