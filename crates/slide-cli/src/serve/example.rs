//! Examples in JSON: the body of a request, or a line of a stream, checked against the model.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use slide_core::Example;
use slide_features::{LIST, Scratch};

use super::failure::Failure;
use super::model::Served;

/// Labels per example, unless the request says how many.
pub(crate) const DEFAULT_K: usize = 5;

/// One example, in one of four forms.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ExampleBody {
    /// Value by number.
    features: Option<Pairs<u32>>,
    /// Value by name.
    named_features: Option<Pairs<String>>,
    /// Numbers, and as many values.
    indices: Option<Vec<u32>>,
    values: Option<Vec<f32>>,
    /// Fields by column, of a model of a table.
    row: Option<BTreeMap<String, Value>>,
}

/// One example or many. (`serde(flatten)` is slow and gives less exact errors, so the fields are repeated.)
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RequestBody {
    k: Option<usize>,
    examples: Option<Vec<Object<ExampleBody>>>,
    features: Option<Pairs<u32>>,
    named_features: Option<Pairs<String>>,
    indices: Option<Vec<u32>>,
    values: Option<Vec<f32>>,
    /// Fields by column, of a model of a table.
    row: Option<BTreeMap<String, Value>>,
}

/// A JSON object and nothing else: what is derived would take a list of all fields too.
#[derive(Debug)]
struct Object<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Fields<T> {
            type Value = Object<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Object<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Object)
            }
        }
        deserializer.deserialize_map(Fields(PhantomData))
    }
}

/// A JSON object of numbers, in its order.
#[derive(Debug)]
struct Pairs<K> {
    keys: Vec<K>,
    values: Vec<f32>,
}

impl<'de, K: Deserialize<'de>> Deserialize<'de> for Pairs<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries<K>(PhantomData<K>);
        impl<'de, K: Deserialize<'de>> Visitor<'de> for Entries<K> {
            type Value = Pairs<K>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of features and their values")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs<K>, A::Error> {
                let mut pairs = Pairs { keys: Vec::new(), values: Vec::new() };
                while let Some((key, value)) = map.next_entry()? {
                    pairs.keys.push(key);
                    pairs.values.push(value);
                }
                Ok(pairs)
            }
        }
        deserializer.deserialize_map(Entries(PhantomData))
    }
}

/// An example whose features the model knows.
#[derive(Debug, PartialEq)]
pub(crate) struct CheckedExample {
    columns: Vec<u32>,
    values: Vec<f32>,
}

impl CheckedExample {
    pub(crate) fn as_example(&self) -> Example<'_> {
        (&self.columns, &self.values)
    }
}

/// What a request asks for.
#[derive(Debug)]
pub(crate) struct Question {
    pub(crate) k: usize,
    /// Whether it is answered by a list: the examples came as one.
    pub(crate) is_list: bool,
    pub(crate) examples: Vec<CheckedExample>,
}

/// Limits of a question.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) default_k: usize,
    pub(crate) max_k: usize,
    pub(crate) max_examples: usize,
}

impl Bounds {
    /// Reads the body of a request.
    pub(crate) fn question(&self, text: &[u8], served: &Served) -> Result<Question, Failure> {
        let Object(RequestBody { k, examples, features, named_features, indices, values, row }) = parse(text)?;
        let k = self.k(k)?;
        let single = ExampleBody { features, named_features, indices, values, row };
        let Some(many) = examples else {
            return Ok(Question { k, is_list: false, examples: vec![single.check(served).map_err(Failure::wrong)?] });
        };
        if !single.forms().is_empty() {
            return Err(Failure::wrong(format!("{}: not beside `examples`", single.forms().join(", "))));
        }
        if many.len() > self.max_examples {
            let most = self.max_examples;
            return Err(Failure::new(
                axum::http::StatusCode::PAYLOAD_TOO_LARGE,
                format!(
                    "{} examples, expected at most {most}; a stream (application/x-ndjson) has no limit",
                    many.len()
                ),
            ));
        }
        let check = |(number, Object(example)): (usize, Object<ExampleBody>)| {
            example.check(served).map_err(|why| Failure::wrong(format!("example {number}: {why}")))
        };
        let examples = many.into_iter().enumerate().map(check).collect::<Result<_, _>>()?;
        Ok(Question { k, is_list: true, examples })
    }

    /// The number of labels that is asked for.
    pub(crate) fn k(&self, asked: Option<usize>) -> Result<usize, Failure> {
        match asked.unwrap_or(self.default_k) {
            k if (1..=self.max_k).contains(&k) => Ok(k),
            k => Err(Failure::wrong(format!("k: {k}, expected 1 to {}", self.max_k))),
        }
    }
}

/// Parses JSON. What an error is about is found by parsing again, which costs nothing where there is none.
fn parse<T: DeserializeOwned>(text: &[u8]) -> Result<T, Failure> {
    serde_json::from_slice(text).map_err(|first: serde_json::Error| {
        let located = serde_path_to_error::deserialize::<_, T>(&mut serde_json::Deserializer::from_slice(text)).err();
        let path = located.map(|error| error.path().to_string()).filter(|path| path != "." && path != "?");
        Failure::wrong(path.map_or_else(|| first.to_string(), |path| format!("{path}: {first}")))
    })
}

impl ExampleBody {
    /// The fields that are there.
    fn forms(&self) -> Vec<&'static str> {
        let fields = [
            ("features", self.features.is_some()),
            ("named_features", self.named_features.is_some()),
            ("indices", self.indices.is_some()),
            ("values", self.values.is_some()),
            ("row", self.row.is_some()),
        ];
        fields.into_iter().filter_map(|(name, is_there)| is_there.then_some(name)).collect()
    }

    fn check(self, served: &Served) -> Result<CheckedExample, String> {
        let forms = self.forms();
        let (field, example) = match self {
            Self {
                features: Some(Pairs { keys, values }),
                named_features: None,
                indices: None,
                values: None,
                row: None,
            } => ("features", of_numbers(&keys, values, served)),
            Self {
                named_features: Some(Pairs { keys, values }),
                features: None,
                indices: None,
                values: None,
                row: None,
            } => ("named_features", of_names(&keys, values, served)),
            Self { row: Some(row), features: None, named_features: None, indices: None, values: None } => {
                ("row", of_row(&row, served))
            }
            Self { indices: Some(indices), values: Some(values), features: None, named_features: None, row: None } => {
                ("indices", of_numbers(&indices, values, served))
            }
            _ => {
                const EXPECTED: &str = "expected features, named_features, row, or indices and values";
                return Err(match forms[..] {
                    [] => EXPECTED.into(),
                    _ => format!("{}: {EXPECTED}", forms.join(" and ")),
                });
            }
        };
        let checked = example.and_then(|example| example.check(served).map(|()| example));
        checked.map_err(|why| format!("{field}: {why}"))
    }
}

/// Features by the numbers of the training file.
fn of_numbers(numbers: &[u32], values: Vec<f32>, served: &Served) -> Result<CheckedExample, String> {
    let numbering = served.model().feature_numbering();
    let column = |&number: &u32| {
        let column = numbering.column_of_number(number.into());
        column.ok_or_else(|| format!("{number}, expected at least {}", numbering.number(0)))
    };
    Ok(CheckedExample { columns: numbers.iter().map(column).collect::<Result<_, _>>()?, values })
}

fn of_names(names: &[String], values: Vec<f32>, served: &Served) -> Result<CheckedExample, String> {
    let numbers = served.feature_numbers().ok_or("this server has no names of features")?;
    let column = |name: &String| numbers.get(name.as_str()).copied().ok_or_else(|| format!("{name:?} is no feature"));
    Ok(CheckedExample { columns: names.iter().map(column).collect::<Result<_, _>>()?, values })
}

/// The features of a row. Columns that it does not have are missing values; others than those of the model are an error.
fn of_row(row: &BTreeMap<String, Value>, served: &Served) -> Result<CheckedExample, String> {
    let table = served.table().ok_or("the model is not of a table")?;
    let names = table.columns();
    if let Some(unknown) = row.keys().find(|name| !names.contains(name)) {
        return Err(format!("the model has no column {unknown:?}, but {names:?}"));
    }
    let fields = names.iter().map(|name| row.get(name).map_or(Ok(String::new()), |value| text_of(name, value)));
    let fields: Vec<String> = fields.collect::<Result<_, _>>()?;
    let (mut columns, mut values) = (Vec::new(), Vec::new());
    table.featurizer().row(|column| &fields[column], &mut Scratch::default(), &mut columns, &mut values);
    Ok(CheckedExample { columns, values })
}

fn text_of(name: &str, value: &Value) -> Result<String, String> {
    match value {
        Value::Null => Ok(String::new()),
        Value::String(text) => Ok(text.trim().to_owned()),
        Value::Bool(_) | Value::Number(_) => Ok(value.to_string()),
        Value::Array(items) if items.iter().all(|item| !item.is_array()) => {
            let items = items.iter().map(|item| text_of(name, item)).collect::<Result<Vec<_>, _>>()?;
            Ok(items.join(LIST.encode_utf8(&mut [0; 4])))
        }
        _ => Err(format!("{name:?}: expected text, a number, or a list of such")),
    }
}

impl CheckedExample {
    fn check(&self, served: &Served) -> Result<(), String> {
        let Self { columns, values } = self;
        let numbering = served.model().feature_numbering();
        if columns.len() != values.len() {
            return Err(format!("{} indices and {} values", columns.len(), values.len()));
        }
        let is_unknown = |column: &&u32| numbering.place(**column).is_none();
        let unknown = columns.iter().find(is_unknown).filter(|_| !served.ignores_unknown_features);
        if let Some(&unknown) = unknown {
            return Err(format!("the model does not know feature {}", numbering.number(unknown)));
        }
        if let Some((&column, value)) = columns.iter().zip(values).find(|(_, value)| !value.is_finite()) {
            return Err(format!("the value {value} of feature {} is not finite", numbering.number(column)));
        }
        if !columns.is_sorted_by(|left, right| left < right) {
            let mut sorted = columns.clone();
            sorted.sort_unstable();
            if let Some(twice) = sorted.windows(2).find(|pair| pair[0] == pair[1]) {
                return Err(format!("feature {} occurs twice", numbering.number(twice[0])));
            }
        }
        Ok(())
    }
}
