//! Bytes of a file: mapped, or decompressed.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Chain, Cursor, Read};
use std::path::Path;

use slide_mem::MappedFile;

use super::DataError;

/// How a file is compressed, detected from its first bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Compression {
    None,
    Gzip,
    Bzip2,
    Xz,
    Zstd,
}

impl Compression {
    pub(crate) fn of(start: &[u8]) -> Self {
        match start {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [b'B', b'Z', b'h', b'1'..=b'9', ..] => Self::Bzip2,
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Self::Xz,
            // The second is a skippable frame, with which pzstd starts its files.
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Self::Zstd,
            _ => Self::None,
        }
    }

    /// The decompressed text of `reader`: every member of a gzip or bzip2 file, every stream of an xz file, every frame of a zstd file.
    fn decode<'a, R: BufRead + Send + 'a>(self, reader: R) -> io::Result<Box<dyn BufRead + Send + 'a>> {
        Ok(match self {
            Self::None => Box::new(reader),
            Self::Gzip => Box::new(BufReader::with_capacity(BUFFER, GzipMembers::new(reader))),
            Self::Bzip2 => Box::new(BufReader::with_capacity(BUFFER, bzip2::bufread::MultiBzDecoder::new(reader))),
            Self::Xz => {
                let decoder = liblzma::bufread::XzDecoder::new_multi_decoder(reader);
                Box::new(BufReader::with_capacity(BUFFER, decoder))
            }
            Self::Zstd => {
                let decoder = zstd::stream::read::Decoder::with_buffer(reader)?;
                Box::new(BufReader::with_capacity(BUFFER, decoder))
            }
        })
    }
}

const BUFFER: usize = 1 << 18;

/// The members of a gzip file, one after the other. Zeros behind them are ignored, as gunzip does; other bytes are an error that says
/// what is wrong, unlike that of [`flate2::bufread::MultiGzDecoder`].
struct GzipMembers<R> {
    /// None behind the last.
    member: Option<flate2::bufread::GzDecoder<R>>,
}

impl<R: BufRead> GzipMembers<R> {
    fn new(reader: R) -> Self {
        Self { member: Some(flate2::bufread::GzDecoder::new(reader)) }
    }

    /// The member behind `member`, which has been read.
    fn after(member: flate2::bufread::GzDecoder<R>) -> io::Result<Option<flate2::bufread::GzDecoder<R>>> {
        let mut reader = member.into_inner();
        loop {
            let bytes = reader.fill_buf()?;
            match bytes.iter().position(|&byte| byte != 0) {
                _ if bytes.is_empty() => return Ok(None),
                None => {
                    let zeros = bytes.len();
                    reader.consume(zeros);
                }
                Some(0) if bytes[0] == 0x1f => return Ok(Some(flate2::bufread::GzDecoder::new(reader))),
                Some(_) => {
                    return Err(io::Error::new(
                        io::ErrorKind::InvalidData,
                        "bytes behind the end of the gzip data that are not gzip",
                    ));
                }
            }
        }
    }
}

impl<R: BufRead> Read for GzipMembers<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while let Some(member) = &mut self.member {
            let read = member.read(out)?;
            if read > 0 || out.is_empty() {
                return Ok(read);
            }
            self.member = self.member.take().map_or(Ok(None), Self::after)?;
        }
        Ok(0)
    }
}

/// The decompressed text of `reader`, whose compression is detected.
pub(crate) fn decompress<'a>(mut reader: impl Read + Send + 'a) -> io::Result<Box<dyn BufRead + Send + 'a>> {
    let mut start = Vec::with_capacity(6);
    reader.by_ref().take(6).read_to_end(&mut start)?;
    let compression = Compression::of(&start);
    let whole: Chain<Cursor<Vec<u8>>, _> = Cursor::new(start).chain(reader);
    compression.decode(BufReader::with_capacity(BUFFER, whole))
}

/// The result of `read` on the decompressed bytes of a file; a file without compression is mapped. Another process may shorten a
/// mapped file, which then reads as zeros, so `read` must accept any bytes. Its result, an error too, is discarded if the file
/// has been shortened.
pub(crate) fn with_bytes<T>(path: &Path, read: impl FnOnce(&[u8]) -> Result<T, DataError>) -> Result<T, DataError> {
    if !std::fs::metadata(path).map_err(DataError::io(path))?.is_file() {
        // A pipe cannot be mapped.
        return read(&bytes(path)?);
    }
    let file = MappedFile::open(path)?;
    let compression = Compression::of(&file);
    if compression == Compression::None {
        let made = read(&file);
        file.check()?;
        return made;
    }
    let mut text = Vec::with_capacity(file.len().saturating_mul(3));
    let decoded = compression.decode(&file[..]).and_then(|mut reader| reader.read_to_end(&mut text));
    file.check()?;
    decoded.map_err(DataError::io(path))?;
    drop(file);
    read(&text)
}

/// A copy of the decompressed bytes of a file: for small files, and where the bytes must not change while they are read.
pub(crate) fn bytes(path: &Path) -> Result<Vec<u8>, DataError> {
    let mut bytes = Vec::new();
    let reader = File::open(path).and_then(decompress);
    reader.and_then(|mut reader| reader.read_to_end(&mut bytes)).map_err(DataError::io(path))?;
    Ok(bytes)
}
