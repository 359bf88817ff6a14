//! Pictures of a record, as SVG.

mod bars;
pub(crate) mod canvas;
mod roofline;

use std::path::Path;

use anyhow::Result;

use super::record::Record;
use crate::workspace;

/// Draws what the record has, as `NAME-roofline.svg` where there are roofs and rates below them, and `NAME-bars.svg`.
/// Returns the files' names.
pub(crate) fn draw(record: &Record, folder: &Path, name: &str) -> Result<Vec<String>> {
    let pictures = [("roofline", roofline::draw(record)?), ("bars", bars::draw(record)?)];
    let mut files = Vec::new();
    for (kind, picture) in pictures {
        let Some(picture) = picture else { continue };
        let file = format!("{name}-{kind}.svg");
        workspace::write_whole(&folder.join(&file), &picture)?;
        files.push(file);
    }
    Ok(files)
}

#[cfg(test)]
mod examples;
