//! The tensors of the index.

use std::collections::BTreeMap;

use bytemuck::Pod;
use safetensors::Dtype;
use serde::{Deserialize, Serialize};

use super::ModelError;
use super::format::{Reader, Tensor};
use crate::index::{BLOCK, IndexReport, LabelIndex, Lists, NO_ROW, Router};
use crate::layer::partition::Partition;
use crate::layer::rows::LayerRows;

/// What is stored beside the tensors.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Header {
    breadth: f32,
    report: IndexReport,
}

impl Header {
    pub(super) fn of(index: &LabelIndex) -> Self {
        Self { breadth: index.breadth, report: index.report }
    }
}

/// Adds the tensors of `index`.
pub(super) fn add_tensors<'a>(
    index: &'a LabelIndex,
    partition: &'a Partition,
    tensors: &mut BTreeMap<String, Tensor<'a>>,
) {
    let LabelIndex { centre, router, lists, .. } = index;
    let (count, columns, places) = (lists.count(), lists.columns, lists.rows.len());
    let mut add = |name: &str, dtype, shape: &[usize], rows: Box<dyn Fn() -> Vec<u8> + 'a>| {
        tensors.insert(format!("index.{name}"), Tensor { dtype, shape: shape.to_vec(), rows });
    };
    fn bytes<T: Pod>(values: &[T]) -> Box<dyn Fn() -> Vec<u8> + '_> {
        Box::new(move || bytemuck::cast_slice(values).to_vec())
    }
    add("center", Dtype::F32, &[columns], bytes(centre));
    add("router", Dtype::I8, &[count, columns], bytes(&router.values));
    add("router_scale", Dtype::F32, &[count], bytes(&router.scales));
    add("router_bias", Dtype::F32, &[count], bytes(&router.bias));
    add("mean", Dtype::F32, &[count, columns], bytes(&lists.means));
    add("end", Dtype::U32, &[count], bytes(&lists.ends));
    add("scale", Dtype::F32, &[places], bytes(&lists.scales));
    add("offset", Dtype::F32, &[places], bytes(&lists.offsets));
    add("code", Dtype::U8, &[lists.codes().len()], bytes(lists.codes()));
    let label = |&row: &u32| if row == NO_ROW { NO_ROW } else { partition.to_logical(row) };
    let labels = move || lists.rows.iter().flat_map(|row| label(row).to_le_bytes()).collect();
    add("label", Dtype::U32, &[places], Box::new(labels));
}

/// Reads them.
pub(super) fn read(reader: &Reader<'_>, stored: Header, output: &LayerRows) -> Result<LabelIndex, ModelError> {
    let Header { breadth, report } = stored;
    let columns = output.columns();
    let (count, places) = (reader.length("index.end")?, reader.length("index.label")?);
    let words = |name: &str, shape: &[usize], dtype| -> Result<Vec<u32>, ModelError> {
        let bytes = reader.typed(&format!("index.{name}"), shape, dtype)?;
        Ok(bytes.as_chunks::<4>().0.iter().map(|&word| u32::from_le_bytes(word)).collect())
    };
    let floats = |name: &str, shape: &[usize]| -> Result<Vec<f32>, ModelError> {
        Ok(words(name, shape, Dtype::F32)?.into_iter().map(f32::from_bits).collect())
    };
    let ends = words("end", &[count], Dtype::U32)?;
    let blocks = places / BLOCK;
    let is_in_order = ends.is_sorted() && ends.last().is_some_and(|&end| end as usize == blocks);
    if !places.is_multiple_of(BLOCK) || !is_in_order {
        return Err(reader.foreign(format!("`index.end` ascending to {blocks}"), "others"));
    }
    let partition = output.partition();
    let mut rows = words("label", &[places], Dtype::U32)?;
    for row in rows.iter_mut().filter(|row| **row != NO_ROW) {
        if *row as usize >= output.rows() {
            return Err(reader.foreign(format!("`index.label` of less than {}", output.rows()), row.to_string()));
        }
        *row = partition.to_internal(*row);
    }
    let codes = reader.typed("index.code", &[places * columns / 2], Dtype::U8)?;
    let router = reader.typed("index.router", &[count, columns], Dtype::I8)?;
    let (scales, bias) = (floats("router_scale", &[count])?, floats("router_bias", &[count])?);
    let lists = Lists::stored(
        columns,
        ends,
        floats("mean", &[count, columns])?,
        rows,
        codes,
        floats("scale", &[places])?,
        floats("offset", &[places])?,
    );
    let router = Router::new(columns, bytemuck::cast_slice(router).to_vec(), scales, bias);
    Ok(LabelIndex { centre: floats("center", &[columns])?, router, lists, breadth, report })
}
