//! How often each of many texts stands in a library, in one pass over its bytes.

use std::collections::BTreeMap;

use aho_corasick::AhoCorasick;

/// Texts that were found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found(BTreeMap<Vec<u8>, usize>);

impl Found {
    pub fn has(&self, text: impl AsRef<[u8]>) -> bool {
        self.count(text) > 0
    }

    /// At how many places a text stands.
    pub fn count(&self, text: impl AsRef<[u8]>) -> usize {
        self.0.get(text.as_ref()).copied().unwrap_or(0)
    }
}

/// Looks for texts in bytes of any size. An empty text is nowhere.
pub fn search(bytes: &[u8], texts: impl IntoIterator<Item = Vec<u8>>) -> Found {
    let mut texts: Vec<Vec<u8>> = texts.into_iter().filter(|text| !text.is_empty()).collect();
    texts.sort();
    texts.dedup();
    let searcher = AhoCorasick::new(&texts).expect("the recipe's texts are few and bounded");
    let mut counts = vec![0; texts.len()];
    // A text may lie within another.
    for hit in searcher.find_overlapping_iter(bytes) {
        counts[hit.pattern().as_usize()] += 1;
    }
    Found(texts.into_iter().zip(counts).filter(|(_, count)| *count > 0).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_within_texts_are_counted_and_others_are_not() {
        let texts = ["row_bcast:15", "bcast", "row_bcast:31", ""].map(|text| text.as_bytes().to_vec());
        let found = search(b"\0v_add_f32 row_bcast:15\0bcast", texts);
        let counts = ["row_bcast:15", "bcast", "row_bcast:31", ""].map(|text| found.count(text));
        assert_eq!(counts, [1, 2, 0, 0]);
        assert!(found.has("bcast") && !found.has("row_bcast:31"));
        assert_eq!(search(b"anything", []), Found::default());
    }
}
