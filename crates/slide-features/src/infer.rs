//! What the columns of a table have, by looking at its first rows.

use std::collections::HashSet;

use crate::config::{Column, Kind};
use crate::date;
use crate::table::{LIST, Table};

/// Rows that are looked at.
const LOOKED_AT: usize = 10_000;

/// What a column seems to have, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Inferred {
    /// The column.
    pub column: Column,
    /// Why, in a few words.
    pub reason: String,
}

/// A number with a finite value.
pub(crate) fn number(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

/// What a column of a table seems to have.
///
/// # Panics
/// If there is no such column.
#[must_use]
pub fn infer(table: &Table, column: usize) -> Inferred {
    let fields = (0..table.rows().min(LOOKED_AT)).map(|row| table.field(row, column));
    let fields: Vec<&str> = fields.filter(|field| !field.is_empty()).collect();
    let name = table.names()[column].clone();
    let inferred =
        |kind, delimiter, reason: String| Inferred { column: Column { name: name.clone(), kind, delimiter }, reason };
    let count = fields.len();
    if count == 0 {
        return inferred(Kind::Id, None, "empty: ignored".into());
    }
    let share = |is: &dyn Fn(&str) -> bool| fields.iter().filter(|field| is(field)).count() as f64 / count as f64;
    let distinct = fields.iter().collect::<HashSet<_>>().len();
    let is_key = distinct == count && count > 20;
    let lower = name.to_lowercase();
    let says_id =
        lower == "id" || lower.ends_with("_id") || name.ends_with("Id") || lower == "uuid" || lower == "index";
    if is_key && says_id {
        return inferred(Kind::Id, None, "all different, and named so".into());
    }
    if share(&|field| number(field).is_some()) == 1.0 {
        return inferred(Kind::Numeric, None, format!("numbers, {distinct} different"));
    }
    if share(&|field| date::parse(field).is_some()) == 1.0 {
        return inferred(Kind::Date, None, "dates".into());
    }
    if share(&|field| field.contains(LIST)) > 0.0 {
        return inferred(Kind::Categorical, None, "lists".into());
    }
    let words = fields.iter().map(|field| field.split_whitespace().count()).sum::<usize>() as f64 / count as f64;
    for delimiter in ['|', ';', ','] {
        let parts = || fields.iter().flat_map(|field| field.split(delimiter)).map(str::trim);
        let values = parts().collect::<HashSet<_>>().len();
        let is_set = share(&|field| field.contains(delimiter)) > 0.3;
        let each = words * count as f64 / parts().count() as f64;
        if is_set && values * 4 < parts().count() && each < 3.0 {
            return inferred(Kind::Categorical, Some(delimiter), format!("sets of {values} values"));
        }
    }
    if words >= 3.0 && distinct * 5 > count {
        return inferred(Kind::Text, None, format!("{words:.0} words on average"));
    }
    if distinct * 2 <= count || distinct <= 20 {
        return inferred(Kind::Categorical, None, format!("{distinct} different values"));
    }
    let length = fields.iter().map(|field| field.len()).sum::<usize>() / count;
    if is_key && words < 1.5 && length >= 16 {
        return inferred(Kind::Id, None, "all different, long, without spaces".into());
    }
    inferred(Kind::Text, None, format!("{distinct} different values of {count}"))
}
