//! How often each of many texts stands in a library, in one pass over its bytes.

use std::collections::{BTreeMap, BTreeSet};

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
    let texts = distinct(texts);
    let searcher = AhoCorasick::new(&texts).expect("the recipe's texts are few and bounded");
    let mut counts = vec![0; texts.len()];
    // A text may lie within another.
    for hit in searcher.find_overlapping_iter(bytes) {
        counts[hit.pattern().as_usize()] += 1;
    }
    Found(texts.into_iter().zip(counts).filter(|(_, count)| *count > 0).collect())
}

fn distinct(texts: impl IntoIterator<Item = Vec<u8>>) -> Vec<Vec<u8>> {
    let distinct: BTreeSet<Vec<u8>> = texts.into_iter().filter(|text| !text.is_empty()).collect();
    distinct.into_iter().collect()
}

/// How much of a long text is looked for at first.
const ANCHOR: usize = 64;

/// The same for texts that are long, each at least once: a piece from the middle of each is looked for in one pass, and where it
/// stands the whole text is compared.
pub fn search_long(bytes: &[u8], texts: impl IntoIterator<Item = Vec<u8>>) -> Found {
    let texts = distinct(texts);
    // Files begin with what all files begin with; their middles differ.
    let anchor = |text: &Vec<u8>| {
        let from = (text.len() / 2).saturating_sub(ANCHOR / 2);
        (from, text[from..text.len().min(from + ANCHOR)].to_vec())
    };
    let anchors: Vec<(usize, Vec<u8>)> = texts.iter().map(anchor).collect();
    let searcher =
        AhoCorasick::new(anchors.iter().map(|(_, piece)| piece)).expect("pieces are few and short");
    let mut is_there = vec![false; texts.len()];
    for hit in searcher.find_overlapping_iter(bytes) {
        let number = hit.pattern().as_usize();
        let text = &texts[number];
        let start = hit.start().checked_sub(anchors[number].0);
        if !is_there[number] && start.is_some_and(|start| bytes[start..].starts_with(text)) {
            is_there[number] = true;
        }
    }
    Found(texts.into_iter().zip(is_there).filter(|(_, is)| *is).map(|(text, _)| (text, 1)).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_long_text_is_found_where_it_is_and_nowhere_else(
            before in "[ab]{0,90}", text in "[ab]{1,300}", after in "[ab]{0,90}", cut in 0usize..300,
        ) {
            let bytes = format!("{before}{text}{after}").into_bytes();
            let mut broken = text.clone().into_bytes();
            let cut = cut % broken.len();
            broken[cut] = b'c';
            let found = search_long(&bytes, [text.clone().into_bytes(), broken.clone(), Vec::new()]);
            prop_assert!(found.has(&text) && !found.has(&broken));
        }
    }

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
