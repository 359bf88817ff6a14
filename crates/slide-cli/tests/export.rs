//! `slide export`.

mod common;

use std::collections::BTreeMap;

use common::{FEATURES, Folder, LABELS, json, stderr};
use safetensors::{Dtype, SafeTensors};

const HIDDEN: usize = 16;

/// Type, shape and numbers of each tensor.
type Tensors = BTreeMap<String, (Dtype, Vec<usize>, Vec<f64>)>;

fn read(bytes: &[u8]) -> Tensors {
    let tensors = SafeTensors::deserialize(bytes).unwrap();
    let numbers = |dtype: Dtype, data: &[u8]| -> Vec<f64> {
        let words = |width: usize| {
            data.chunks(width).map(|word| u64::from_le_bytes(std::array::from_fn(|i| *word.get(i).unwrap_or(&0))))
        };
        match dtype {
            Dtype::F32 => words(4).map(|word| f32::from_bits(word as u32).into()).collect(),
            Dtype::BF16 => words(2).map(|word| f32::from_bits((word as u32) << 16).into()).collect(),
            Dtype::I8 => words(1).map(|word| f64::from(word as u8 as i8)).collect(),
            Dtype::U32 | Dtype::I64 | Dtype::U8 => words(dtype.bitsize() / 8).map(|word| word as f64).collect(),
            _ => Vec::new(),
        }
    };
    let tensor = |(name, view): (&str, safetensors::tensor::TensorView<'_>)| {
        (name.to_owned(), (view.dtype(), view.shape().to_vec(), numbers(view.dtype(), view.data())))
    };
    tensors.iter().map(tensor).collect()
}

fn export(folder: &Folder, model: &str) -> Tensors {
    let report =
        json(&folder.slide(&format!("export {model} -o e.safetensors --dtype f32 --json -q")).assert().success());
    let file = folder.read("e.safetensors");
    assert_eq!(
        (&report["model"], &report["file"], &report["type"]),
        (&model.into(), &"e.safetensors".into(), &"f32".into())
    );
    assert_eq!(report["bytes"], file.len());
    read(&file)
}

#[test]
fn weights_of_every_kind_are_exported_as_f32() {
    let folder = Folder::new();
    folder.train("f32.slide", "--hidden 16,8 --epochs 1").success();
    folder.train("half.slide", "--epochs 1 --quantize").success();
    folder.train("int8.slide", "--epochs 1 --quantize=int8").success();

    let shapes =
        [("input.weight", vec![FEATURES, HIDDEN]), ("input.bias", vec![1, HIDDEN]), ("label_frequency", vec![LABELS])];
    let two = [
        ("hidden.0.weight", vec![8, 16]),
        ("hidden.0.bias", vec![8]),
        ("output.weight", vec![LABELS, 8]),
        ("output.bias", vec![LABELS]),
    ];
    let (stored, exported) = (read(&folder.read("f32.slide")), export(&folder, "f32.slide"));
    assert_eq!(exported.keys().collect::<Vec<_>>(), stored.keys().collect::<Vec<_>>());
    for (name, shape) in shapes.iter().chain(&two) {
        let (dtype, found, numbers) = &exported[*name];
        assert_eq!((dtype, found), (&Dtype::F32, shape), "{name}");
        assert_eq!(numbers, &stored[*name].2, "{name}");
    }

    let (stored, exported) = (read(&folder.read("half.slide")), export(&folder, "half.slide"));
    assert_eq!(stored["output.weight"].0, Dtype::BF16);
    for name in ["input.weight", "output.weight", "output.bias"] {
        assert_eq!((exported[name].0, &exported[name].2), (Dtype::F32, &stored[name].2), "{name}");
    }

    let (stored, exported) = (read(&folder.read("int8.slide")), export(&folder, "int8.slide"));
    assert_eq!((stored["output.weight"].0, stored["input.weight"].0), (Dtype::I8, Dtype::U8));
    let scaled = |layer: &str, integers: &[f64]| -> Vec<f64> {
        let scales = &stored[&format!("{layer}.scale")].2;
        integers.iter().enumerate().map(|(at, integer)| f64::from((integer * scales[at / HIDDEN]) as f32)).collect()
    };
    assert_eq!(exported["output.weight"].2, scaled("output", &stored["output.weight"].2));
    // Two weights in a byte: the low bits first.
    let nibbles = stored["input.weight"].2.iter().flat_map(|&byte| [byte as u8 & 0xf, byte as u8 >> 4]);
    let integers: Vec<f64> = nibbles.map(|nibble| f64::from(nibble) - 8.0).collect();
    assert_eq!(exported["input.weight"].2, scaled("input", &integers));
    assert!(exported.values().all(|(dtype, _, numbers)| *dtype == Dtype::F32 && numbers.iter().all(|x| x.is_finite())));
}

/// The linear part as compressed sparse rows: the scores of the program follow from it.
#[test]
fn the_linear_part_is_exported_as_sparse_rows() {
    let folder = Folder::new();
    folder.slide("train train.txt -q -o m.slide --model linear").assert().success();
    folder.slide("quantize m.slide -q --to int8 -o int8.slide").assert().success();
    for model in ["m.slide", "int8.slide"] {
        let exported = export(&folder, model);
        let part = |name: &str, dtype: Dtype, length: usize| {
            let (found, shape, numbers) = &exported[&format!("linear.{name}")];
            assert_eq!((*found, &shape[..]), (dtype, &[length][..]), "{name}");
            numbers
        };
        let indptr = part("indptr", Dtype::I64, FEATURES + 1);
        let count = indptr[FEATURES] as usize;
        let (indices, weights) = (part("indices", Dtype::U32, count), part("weight", Dtype::F32, count));
        let biases = part("bias", Dtype::F32, LABELS);
        assert!(indptr.is_sorted() && indptr[0] == 0.0 && count > 0);
        // The best label of an example with one feature has the highest score.
        for feature in 0..FEATURES {
            let mut scores = biases.clone();
            for at in indptr[feature] as usize..indptr[feature + 1] as usize {
                scores[indices[at] as usize] += weights[at];
            }
            let said = folder
                .slide(&format!("predict {model} - -q --top 1"))
                .write_stdin(format!("{feature}:1\n"))
                .assert()
                .success();
            let best: usize = common::stdout(&said).split_once(':').unwrap().0.parse().unwrap();
            let highest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            assert!(
                highest - scores[best] < 0.02,
                "{model}, feature {feature}: {best} with {} of {highest}",
                scores[best]
            );
        }
    }
}

#[test]
fn an_export_is_no_model_and_replaces_none() {
    let folder = Folder::new();
    folder.train("m.slide", "--epochs 1").success();
    export(&folder, "m.slide");
    let said = stderr(&folder.slide("info e.safetensors").assert().code(1));
    assert!(said.contains("a safetensors file, but not of slide"), "{said}");
    folder.slide("export m.slide -o m.slide").assert().code(2);
    folder.slide("export m.slide -o e.safetensors --dtype f64").assert().code(2);
}
