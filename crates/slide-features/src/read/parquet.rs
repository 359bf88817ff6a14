//! Rows of Parquet files.

use std::fs::File;

use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::record::reader::RowIter;
use parquet::record::{Field, Row};

use crate::table::LIST;

/// The names of the columns, and the rows. Groups of rows are read one after another.
pub(super) fn open(file: File) -> Result<(Vec<String>, RowIter<'static>), ParquetError> {
    let reader = SerializedFileReader::new(file)?;
    let fields = reader.metadata().file_metadata().schema_descr().root_schema().get_fields();
    let names = fields.iter().map(|field| field.name().to_owned()).collect();
    Ok((names, RowIter::from_file_into(Box::new(reader))))
}

/// Appends the text of each field of a row; what it cannot have is said.
pub(super) fn texts(row: &Row, texts: &mut [String]) -> Result<(), String> {
    for ((name, field), text) in row.get_column_iter().zip(texts) {
        append(field, text)
            .map_err(|kind| format!("column `{name}`: expected text, numbers, dates or lists, found {kind}"))?;
    }
    Ok(())
}

fn append(field: &Field, out: &mut String) -> Result<(), &'static str> {
    match field {
        Field::Null => {}
        Field::Str(text) => out.push_str(text),
        Field::ListInternal(list) => {
            for (place, element) in list.elements().iter().enumerate() {
                if place > 0 {
                    out.push(LIST);
                }
                append(element, out)?;
            }
        }
        Field::Bytes(bytes) => {
            out.push_str(std::str::from_utf8(bytes.data()).map_err(|_| "bytes that are not UTF-8")?);
        }
        Field::Group(_) => return Err("a group"),
        Field::MapInternal(_) => return Err("a map"),
        // Numbers; dates and times as ISO 8601 has them.
        other => out.push_str(&other.to_string()),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use parquet::basic::Compression;
    use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int32Type};
    use parquet::file::properties::WriterProperties;
    use parquet::file::writer::SerializedFileWriter;
    use parquet::schema::parser::parse_message_type;

    use crate::read::{Format, ReadOptions, Reader};

    #[test]
    fn rows_have_texts_numbers_dates_and_missing_values() {
        let schema = "message rows {
            REQUIRED BYTE_ARRAY text (UTF8);
            OPTIONAL DOUBLE price;
            REQUIRED INT32 day (DATE);
            REQUIRED group tags (LIST) { REPEATED group list { REQUIRED BYTE_ARRAY element (UTF8); } }
        }";
        let schema = Arc::new(parse_message_type(schema).unwrap());
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows.parquet");
        let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
        let file = std::fs::File::create(&path).unwrap();
        let mut writer = SerializedFileWriter::new(file, schema, Arc::new(properties)).unwrap();
        let mut group = writer.next_row_group().unwrap();
        let bytes = |texts: &[&str]| texts.iter().map(|&text| ByteArray::from(text)).collect::<Vec<_>>();
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<ByteArrayType>().write_batch(&bytes(&["a film, \"twice\"", "b"]), None, None).unwrap();
        column.close().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<DoubleType>().write_batch(&[2.5], Some(&[1, 0]), None).unwrap();
        column.close().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<Int32Type>().write_batch(&[19_874, 0], None, None).unwrap();
        column.close().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        let (values, defined, repeated) = (bytes(&["x", "y", "z"]), [1, 1, 1], [0, 1, 0]);
        column.typed::<ByteArrayType>().write_batch(&values, Some(&defined), Some(&repeated)).unwrap();
        column.close().unwrap();
        group.close().unwrap();
        writer.close().unwrap();

        let mut reader = Reader::open(&path, &ReadOptions::default()).unwrap();
        assert_eq!(reader.format(), Format::Parquet);
        let table = reader.read_all().unwrap();
        assert_eq!(table.names(), ["text", "price", "day", "tags"]);
        let row = |row| (0..4).map(|column| table.field(row, column)).collect::<Vec<_>>();
        assert_eq!(row(0), ["a film, \"twice\"", "2.5", "2024-05-31", "x\u{1f}y"]);
        assert_eq!(row(1), ["b", "", "1970-01-01", "z"]);

        let content = std::fs::read(&path).unwrap();
        std::fs::write(&path, &content[..content.len() - 3]).unwrap();
        let error = Reader::open(&path, &ReadOptions::default()).unwrap_err().to_string();
        assert!(error.contains("rows.parquet: "), "{error}");
    }
}
