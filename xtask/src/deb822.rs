//! Debian's control-file format (deb822(5)), as far as package indices use it.

/// One paragraph: the fields of one package.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Paragraph<'a>(&'a str);

/// The paragraphs of an index, in file order.
pub(crate) fn paragraphs(text: &str) -> impl Iterator<Item = Paragraph<'_>> {
    text.split("\n\n").map(|paragraph| paragraph.trim_matches('\n')).filter(|p| !p.is_empty()).map(Paragraph)
}

impl<'a> Paragraph<'a> {
    /// The value of a field without the white space around it; continuation lines stay as they are.
    pub(crate) fn field(self, name: &str) -> Option<&'a str> {
        let text = self.0;
        let mut start = 0;
        for line in text.split_inclusive('\n') {
            let value = start + name.len() + 1;
            if line.strip_prefix(name).is_some_and(|rest| rest.starts_with(':')) {
                let mut end = start + line.len();
                for next in text[end..].split_inclusive('\n').take_while(|next| next.starts_with([' ', '\t'])) {
                    end += next.len();
                }
                return Some(text[value..end].trim());
            }
            start += line.len();
        }
        None
    }
}

/// The packages that a relationship field (`Depends`, ...) names: of alternatives (`a | b`) the first, which is the one
/// that apt prefers; without version, architecture and build-profile restrictions.
pub(crate) fn first_alternatives(relationship: &str) -> impl Iterator<Item = &str> {
    relationship
        .split(',')
        .filter_map(|alternatives| alternatives.split('|').next())
        .map(|package| package.trim_start().split([' ', '\n', '\t', '(', '[', '<', ':']).next().unwrap_or_default())
        .filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    const INDEX: &str = "Package: a\nDescription: short\n long one\n .\n long two\nSection: misc\n\n\nPackage: b\n";

    #[test]
    fn fields_with_their_continuation_lines() {
        let all: Vec<_> = paragraphs(INDEX).collect();
        assert_eq!(all.len(), 2);
        assert_eq!(all[0].field("Description"), Some("short\n long one\n .\n long two"));
        assert_eq!(all[0].field("Section"), Some("misc"));
        assert_eq!(all[0].field("Sect"), None);
        assert_eq!(all[0].field("long"), None);
        assert_eq!(all[1].field("Package"), Some("b"));
    }

    #[test]
    fn first_alternative_without_restrictions() {
        let names = first_alternatives("libc6 (>= 2.36), perl:any | perl5, debconf|cdebconf, x [amd64],, y(= 1)");
        assert_eq!(names.collect::<Vec<_>>(), ["libc6", "perl", "debconf", "x", "y"]);
        assert_eq!(first_alternatives("").count(), 0);
    }
}
