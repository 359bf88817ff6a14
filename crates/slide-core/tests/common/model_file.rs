//! A model file in memory, to be changed.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::path::Path;

use safetensors::{Dtype, SafeTensors};
use serde_json::{Value, json};

/// Type, shape and bytes.
pub(crate) type Tensor = (Dtype, Vec<usize>, Vec<u8>);

/// Its header and its tensors.
#[derive(Clone)]
pub(crate) struct ModelFile {
    pub(crate) header: Value,
    pub(crate) tensors: BTreeMap<String, Tensor>,
}

impl ModelFile {
    pub(crate) fn read(path: &Path) -> Self {
        Self::parse(&std::fs::read(path).unwrap())
    }

    pub(crate) fn parse(bytes: &[u8]) -> Self {
        let (_, metadata) = SafeTensors::read_metadata(bytes).unwrap();
        let header = serde_json::from_str(&metadata.metadata().as_ref().unwrap()["slide"]).unwrap();
        let tensors = SafeTensors::deserialize(bytes).unwrap();
        let tensors = tensors
            .iter()
            .map(|(name, tensor)| (name.to_owned(), (tensor.dtype(), tensor.shape().to_vec(), tensor.data().to_vec())));
        Self { header, tensors: tensors.collect() }
    }

    /// As the program writes models: tensors that can be mapped come first.
    pub(crate) fn write(&self, path: &Path) {
        let mut tensors: Vec<_> = self.tensors.iter().collect();
        tensors.sort_by_key(|(name, (dtype, _, bytes))| (bytes.len() % 64 != 0, Reverse(*dtype), *name));
        let mut header = json!({ "__metadata__": { "slide": self.header.to_string() } });
        let mut data = Vec::new();
        for (name, (dtype, shape, bytes)) in tensors {
            let start = data.len();
            data.extend_from_slice(bytes);
            header[name] = json!({ "dtype": dtype, "shape": shape, "data_offsets": [start, data.len()] });
        }
        let mut text = header.to_string().into_bytes();
        text.resize((text.len() + 8).next_multiple_of(64) - 8, b' ');
        let length = (text.len() as u64).to_le_bytes();
        std::fs::write(path, [&length[..], &text, &data].concat()).unwrap();
    }

    /// The bytes of all tensors, those of wider types first, then by name.
    pub(crate) fn data(&self) -> Vec<u8> {
        let mut tensors: Vec<_> = self.tensors.iter().collect();
        tensors.sort_by_key(|(name, (dtype, ..))| (Reverse(*dtype), *name));
        tensors.into_iter().flat_map(|(_, (_, _, bytes))| bytes).copied().collect()
    }

    /// The bytes of a vector as numbers.
    pub(crate) fn numbers(&self, name: &str) -> Vec<u64> {
        let (dtype, _, bytes) = &self.tensors[name];
        let number = |bytes: &[u8]| bytes.iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte));
        bytes.chunks(dtype.bitsize() / 8).map(number).collect()
    }

    pub(crate) fn tensor(&mut self, name: &str) -> &mut Tensor {
        self.tensors.get_mut(name).unwrap()
    }
}
